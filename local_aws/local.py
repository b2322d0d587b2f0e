"""The local AWS as a whole: emulator, Rekognition-compatible server and Lambda host, started and stopped together."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from local_aws import processes
from local_aws.emulator import Emulator
from local_aws.errors import LocalAwsError
from local_aws.lambda_host import LambdaHost
from local_aws.node import node
from local_aws.rekognition import RekognitionServer

PROJECT = Path(__file__).parents[1]
"""The folder with cdk.json."""

ACCOUNT = "111122223333"
"""An account id from AWS's own examples. Any 12 digits are an account of its own in the emulator."""

REGION = "ap-southeast-2"

_QUIET = ("--no-color", "--ci")


class LocalAws:
    """An AWS on 127.0.0.1 for as long as the context lasts.

    `port` is the emulator's, 0 for a free one; `account_concurrency` plays an account's limit of concurrent
    executions. Image functions are found in the cloud assemblies that `cdk` writes and in the project's own cdk.out.
    """

    def __init__(self, port: int = 0, account_concurrency: int | None = None) -> None:
        self._port = port
        self._account_concurrency = account_concurrency

    def __enter__(self) -> Self:
        port = self._port or processes.free_port()
        emulator_url = f"http://127.0.0.1:{port}"
        with ExitStack() as stack:
            self._folder = Path(tempfile.mkdtemp(prefix="show-your-emotions-local-"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self.assembly = self._folder / "cdk.out"
            self.rekognition = stack.enter_context(RekognitionServer(s3_endpoint=emulator_url, port=0))
            self.lambda_host = stack.enter_context(
                LambdaHost(emulator_url, self.rekognition.url, assemblies=[self.assembly, PROJECT / "cdk.out"])
            )
            self.emulator = stack.enter_context(Emulator(self.lambda_host.url, port, self._account_concurrency))
            # In reverse order: first nobody invokes any more, then nobody runs.
            self._everything = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._everything.close()

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """What the CDK CLI, boto3 and the commands need to be given to work in `account` here, and nowhere else.

        Credentials and endpoints of a real account are covered up: no profile, no credentials or config file, no
        instance role, no service's own endpoint, no proxy.
        """
        endpoints = {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ENDPOINT_URL_REKOGNITION": self.rekognition.url,
        }
        for name, url in endpoints.items():
            if urlsplit(url).hostname != "127.0.0.1":
                raise LocalAwsError(f"{name} would be {url}, which is not on this machine; nothing was started.")
        return {
            **endpoints,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_PROFILE": "",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def process_environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """This process's variables, without any that name another AWS, plus `environment`, for a child process."""
        inherited = {name: value for name, value in os.environ.items() if not _names_aws_or_a_proxy(name)}
        beside_python = str(Path(sys.executable).parent)
        return {
            **inherited,
            **{name: value for name, value in self.environment(account, region).items() if value},
            "PATH": os.pathsep.join([beside_python, inherited.get("PATH", os.defpath)]),
        }

    def cdk(
        self,
        *arguments: str,
        account: str = ACCOUNT,
        region: str = REGION,
        folder: Path = PROJECT,
        environment: Mapping[str, str] | None = None,
        streaming: bool = False,
    ) -> str:
        """Run the pinned CDK CLI with `arguments` in `folder` and answer with what it printed.

        With `streaming` its progress goes to the terminal instead, and the answer is empty. Raises LocalAwsError when
        it fails, with what it said.
        """
        cli = PROJECT / "node_modules" / "aws-cdk" / "bin" / "cdk"
        command = [node(), str(cli), *arguments]
        if arguments[0] in {"synth", "deploy", "diff", "destroy", "list", "ls"} and "--app" not in arguments:
            command += ["--output", str(self.assembly)]
        if not streaming:
            command += _QUIET
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.process_environment(account, region) | _CLI_VARIABLES | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=None if streaming else subprocess.PIPE,
            stderr=None if streaming else subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            said = "" if streaming else f":\n{done.stdout.strip()}"
            raise LocalAwsError(f"`cdk {' '.join(arguments)}` failed with exit status {done.returncode}{said}")
        return done.stdout or ""

    def bootstrap(self, account: str = ACCOUNT, region: str = REGION) -> None:
        """Make the CDK's own bucket, registry and roles in `account`."""
        # In a folder without a cdk.json the CLI has no app to synthesise first.
        self.cdk("bootstrap", f"aws://{account}/{region}", account=account, region=region, folder=self._folder)


_CLI_VARIABLES = {
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "1",
    "CDK_VALIDATION": "false",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def _names_aws_or_a_proxy(name: str) -> bool:
    return name.upper().startswith(("AWS_", "CDK_")) or name.upper().endswith("_PROXY")
