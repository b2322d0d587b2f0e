"""An AWS on this machine alone: the whole workshop with no account, no Docker and no network.

Three servers on 127.0.0.1 play the part of AWS: an emulator for everything the templates name (ministack, from PyPI),
a Rekognition-compatible server that really finds faces, and a Lambda host that runs each function's own code through
AWS's own runtime interface client. The CDK CLI, boto3 and the commands reach them through environment variables;
nothing else differs from a real account.

Read `local.py` first, which starts and stops all three; then `lambda_host/host.py`; `gaps.py` lists what the emulator
does not do as AWS does.
"""
