"""A simulated AWS on this machine: the whole workshop without an account, Docker or a network.

Three servers on 127.0.0.1 simulate AWS: an emulator for everything in the templates (ministack, from PyPI), a
Rekognition-compatible server that really finds faces, and a Lambda host that runs each function's own code with AWS's
own runtime interface client. Environment variables direct the CDK CLI, boto3 and the commands to these servers.
Nothing else differs from a real account.

Read `local.py` first, which starts and stops all three, then `lambda_host/host.py`. `gaps.py` lists the differences
between the emulator and AWS.
"""
