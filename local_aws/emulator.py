"""The emulator as a child process on loopback: started, waited for, and always ended."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from local_aws import processes
from local_aws.errors import LocalAwsError

START_TIMEOUT = 60.0
"""Seconds. The start usually takes less than one, but longer on a busy machine."""

SERVICES = (
    "account,apigateway,cloudformation,cloudwatch,ecr,events,iam,kms,lambda,logs,monitoring,s3,secretsmanager,"
    "sns,sqs,ssm,sts,tagging"
)
"""The services that the stacks, the CDK CLI and the commands call, with ministack's names."""

SECRET = "local"  # noqa: S105 - protects nothing
"""The secret access key of every account here."""


class Emulator:
    """ministack on 127.0.0.1:`port`, with its gaps closed. Sends invocations to `lambda_host`.

    It keeps everything in memory and in `folder`, which is removed when this process ends, even by a SIGKILL.
    `account_concurrency` simulates an account's limit of concurrent executions, such as the 10 of a new account.
    `enforce_iam` checks signatures and the policies of functions' roles, buckets and queues.
    """

    def __init__(
        self,
        lambda_host: str,
        port: int,
        folder: Path,
        account_concurrency: int | None = None,
        *,
        enforce_iam: bool = False,
    ) -> None:
        self._lambda_host = lambda_host
        self.port = port
        self._folder = folder
        self.log = folder / "emulator.log"
        self._account_concurrency = account_concurrency
        self._enforce_iam = enforce_iam

    def __enter__(self) -> Self:
        if processes.listens(self.port):
            raise LocalAwsError(
                f"Port {self.port} is in use on this machine; stop the program that uses it, or choose another port: "
                "make local PORT=4567"
            )
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local_aws.ministack_process", self._lambda_host, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[1],
                env=self._variables(),
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            processes.end(self._process)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        processes.end(self._process)

    @property
    def url(self) -> str:
        """The address for AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def _variables(self) -> dict[str, str]:
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "SERVICES": SERVICES,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "AUTH": str(self._enforce_iam).lower(),
            "AWS_EC2_METADATA_DISABLED": "true",
            # The emulator checks signatures, always those of presigned links, with its own secret.
            "AWS_SECRET_ACCESS_KEY": SECRET,
            # Do not use a Docker engine on this machine.
            "DOCKER_HOST": f"unix://{self._folder}/no-docker",
        }
        if registry := os.environ.get("LOCAL_REGISTRY"):
            variables["LOCAL_REGISTRY"] = _on_this_machine(registry)
        if self._account_concurrency:
            variables["LAMBDA_ACCOUNT_CONCURRENCY"] = str(self._account_concurrency)
        return variables

    def _listens(self) -> bool:
        """Whether our own process listens on the port."""
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(self._process.pid).net_connections("tcp")
            return any(each.status == psutil.CONN_LISTEN and each.laddr.port == self.port for each in connections)
        return False

    def _wait_until_it_answers(self) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        give_up = time.monotonic() + START_TIMEOUT
        while True:
            # An answer is not enough: another process could have taken the port in the meantime.
            with contextlib.suppress(OSError), direct.open(f"{self.url}/_ministack/health", timeout=5):
                if self._listens():
                    return
            if self._process.poll() is not None or time.monotonic() > give_up:
                last = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["(none)"]
                raise LocalAwsError(f"The emulator did not start on port {self.port}; its last output: {last[0]}")
            time.sleep(0.05)


def _on_this_machine(registry: str) -> str:
    """The registry's address, if images pushed there stay on this machine. Raises LocalAwsError otherwise."""
    host, _, port = registry.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal():
        raise LocalAwsError(f"LOCAL_REGISTRY={registry} is not on this machine; use an address such as 127.0.0.1:5000.")
    return registry
