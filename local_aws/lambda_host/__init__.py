"""Runs Lambda functions on this machine as Lambda does, with AWS's own runtime interface client and without Docker.

`host.py` is the service; `environment.py` one execution environment, that is one process; `runtime_api.py` the HTTP
API between the two; `code.py` where a function's files come from; `logs.py` where its output goes.
"""

from local_aws.lambda_host.host import LambdaHost

__all__ = ["LambdaHost"]
