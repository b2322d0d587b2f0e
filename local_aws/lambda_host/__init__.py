"""Runs Lambda functions on this machine as Lambda does, with AWS's own runtime interface client and without Docker.

`host.py` is the service. `environment.py` is one execution environment, that is, one process. `runtime_api.py` is the
HTTP API between the two. `code.py` finds a function's files, and `logs.py` writes its logs.
"""

from local_aws.lambda_host.host import LambdaHost

__all__ = ["LambdaHost"]
