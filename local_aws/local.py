"""The local AWS: emulator, Rekognition-compatible server and Lambda host, started and stopped together."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import boto3

from local_aws import processes
from local_aws.clients import client
from local_aws.emulator import SECRET, Emulator
from local_aws.errors import LocalAwsError
from local_aws.lambda_host import LambdaHost
from local_aws.rekognition import RekognitionServer
from local_aws.rekognition.permissions import Permissions
from workshop.aws.cdk import cdk, node

PROJECT = Path(__file__).parents[1]
"""The folder with cdk.json."""

ACCOUNT = "111122223333"
"""An account id from AWS's own examples. In the emulator, any 12 digits are a separate account."""

REGION = "ap-southeast-2"


class LocalAws:
    """A simulated AWS on 127.0.0.1 while the context is open.

    `port` is the emulator's, 0 for a free one; `account_concurrency` simulates an account's limit of concurrent
    executions. Image functions are found in the cloud assembly that `cdk` writes and in the project's own cdk.out.
    `enforce_iam` enforces the policies of the functions' roles. The deployer, including CDK's bootstrap roles, can do
    everything. `starting_at_once` limits how many functions start at the same time: on a laptop, ten that start
    together are all slow.
    """

    def __init__(
        self,
        port: int = 0,
        account_concurrency: int | None = None,
        *,
        enforce_iam: bool = False,
        starting_at_once: int | None = None,
    ) -> None:
        self._port = port
        self._starting_at_once = starting_at_once
        self._account_concurrency = account_concurrency
        self._enforce_iam = enforce_iam

    def __enter__(self) -> Self:
        port = self._port or processes.free_port()
        emulator_url = f"http://127.0.0.1:{port}"
        with ExitStack() as stack:
            self._folder = Path(tempfile.mkdtemp(prefix="show-your-emotions-"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self.assembly = self._folder / "cdk.out"
            permissions = Permissions(emulator_url) if self._enforce_iam else None
            # If the addresses stay the same, a terminal that has sourced them still works after a restart.
            next_port = port + 1 if self._port and port < 65535 and not processes.listens(port + 1) else 0
            self.rekognition = stack.enter_context(
                RekognitionServer(
                    s3_endpoint=emulator_url,
                    port=next_port,
                    account_of=partial(_account_behind, emulator_url),
                    permissions=permissions,
                )
            )
            self.lambda_host = stack.enter_context(
                LambdaHost(
                    emulator_url,
                    self.rekognition.url,
                    folder=self._folder / "lambda",
                    assemblies=[self.assembly, PROJECT / "cdk.out"],
                    starting_at_once=self._starting_at_once,
                )
            )
            self.emulator = stack.enter_context(
                Emulator(
                    self.lambda_host.url,
                    port,
                    self._folder,
                    self._account_concurrency,
                    enforce_iam=self._enforce_iam,
                )
            )
            self._everything = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._everything.close()

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """The variables that make the CDK CLI, boto3 and the commands work in `account` here, and nowhere else.

        All other variables that begin with AWS_ must be unset; `process_environment` and `adopted` do that. No
        profile, credentials file or instance role is read, so a real account cannot be used by mistake.
        """
        endpoints = {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ENDPOINT_URL_REKOGNITION": self.rekognition.url,
        }
        for name, url in endpoints.items():
            if urlsplit(url).hostname != "127.0.0.1":
                raise LocalAwsError(f"{name} would be {url}, which is not on this machine; stopped.")
        return {
            **endpoints,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def process_environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """All variables for a child process: `environment`, and this process's own without AWS's and proxies."""
        inherited = {name: value for name, value in os.environ.items() if not names_an_aws(name)}
        python_folder = str(Path(sys.executable).parent)
        path = os.pathsep.join([python_folder, str(Path(node()).parent), inherited.get("PATH", os.defpath)])
        return {**inherited, **self.environment(account, region), "PATH": path}

    @contextmanager
    def adopted(self, account: str = ACCOUNT, region: str = REGION) -> Iterator[None]:
        """Make this process use `account` here, in every boto3 session created inside the block."""
        before = dict(os.environ), boto3.DEFAULT_SESSION
        _replace_environment(self.process_environment(account, region))
        # The default session of `boto3.client` keeps its first credentials.
        boto3.DEFAULT_SESSION = None
        try:
            yield
        finally:
            _replace_environment(before[0])
            boto3.DEFAULT_SESSION = before[1]

    def cdk(
        self,
        *arguments: str,
        account: str = ACCOUNT,
        region: str = REGION,
        folder: Path = PROJECT,
        on_line: Callable[[str], object] = lambda _line: None,
    ) -> str:
        """Run the pinned CDK CLI with `arguments` in `folder` and return its output.

        Without `--app`, it synthesises into `assembly`. Calls `on_line` with each line of output. If the CLI fails,
        raises LocalAwsError with the output.
        """
        command = cdk(*arguments, "--no-color", "--ci")
        if arguments[0] != "bootstrap" and "--app" not in arguments:
            command += ["--output", str(self.assembly)]
        with subprocess.Popen(
            command,
            cwd=folder,
            env=self.process_environment(account, region) | _CLI_VARIABLES,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            output = []
            try:
                for line in process.stdout or ():
                    output.append(line)
                    on_line(line.strip())
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise LocalAwsError(f"`cdk {' '.join(arguments)}` failed:\n{''.join(output).strip()}")
        return "".join(output)

    def bootstrap(self, account: str = ACCOUNT, region: str = REGION) -> None:
        """Do what `npx cdk bootstrap` does once in each account and region."""
        # In a folder without a cdk.json, the CLI has no app to synthesise first.
        self.cdk("bootstrap", f"aws://{account}/{region}", account=account, region=region, folder=self._folder)

    def prepare(self, account: str = ACCOUNT, region: str = REGION, attendee: str = "me") -> None:
        """Bootstrap `account` and, meanwhile, synthesise the stacks of `attendee` into `assembly`."""
        with ThreadPoolExecutor(2) as both:
            bootstrap = both.submit(self.bootstrap, account, region)
            synth = both.submit(
                self.cdk, "synth", "--quiet", "-c", f"attendee={attendee}", account=account, region=region
            )
            bootstrap.result()
            synth.result()

    def deploy(
        self,
        *stacks: str,
        account: str = ACCOUNT,
        region: str = REGION,
        on_line: Callable[[str], object] = lambda _line: None,
    ) -> None:
        """Deploy `stacks`, as `prepare` synthesised them; without names, Foundation and Serverless."""
        stacks = stacks or ("Foundation", "Serverless")
        options = ("--app", str(self.assembly), "--require-approval", "never")
        self.cdk("deploy", *stacks, *options, account=account, region=region, on_line=on_line)

    def destroy(
        self, account: str = ACCOUNT, region: str = REGION, on_line: Callable[[str], object] = lambda _line: None
    ) -> None:
        """Destroy all stacks, as `prepare` synthesised them."""
        options = ("--all", "--app", str(self.assembly), "--force")
        self.cdk("destroy", *options, account=account, region=region, on_line=on_line)


_CLI_VARIABLES = {
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "1",
    "CDK_VALIDATION": "false",  # template validation takes seconds, and the tests do it
    "PYTHONDONTWRITEBYTECODE": "1",
    # In this folder's .venv instead of the user's home.
    "CDK_HOME": str(PROJECT / ".venv" / "cdk"),
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(PROJECT / ".venv" / "jsii"),
}


@cache
def _account_behind(emulator_url: str, access_key: str) -> str:
    """The account of an access key: the key itself if it has 12 digits; of an assumed role, what STS says."""
    if re.fullmatch(r"[0-9]{12}", access_key):
        return access_key
    return str(client("sts", emulator_url, REGION, access_key).get_caller_identity()["Account"])


def names_an_aws(name: str) -> bool:
    """Whether an environment variable could select another AWS: those of AWS and CDK, and proxies."""
    return name.upper().startswith(("AWS_", "CDK_")) or name.upper().endswith("_PROXY")


def _replace_environment(variables: dict[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
