"""One deployed function: the values of GetFunctionConfiguration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function's configuration. Functions with equal configurations can share an execution environment.

    `timeout` in seconds, `memory` in MB. `image` is the image's URI, or None for a function with a zip file, which has
    a `runtime` and a `handler`. `command` overrides the image's CMD. `credentials` are the role's, as environment
    variables.
    """

    name: str
    arn: str
    version: str
    timeout: int
    memory: int
    code_sha256: str
    image: str | None
    runtime: str
    architecture: str
    handler: str
    command: tuple[str, ...]
    role: str
    environment: tuple[tuple[str, str], ...]
    credentials: tuple[tuple[str, str], ...]
    log_group: str
    log_format: str
    log_level: str | None

    @property
    def region(self) -> str:
        """The region in the ARN."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account id in the ARN, 12 digits."""
        return self.arn.split(":")[4]

    @staticmethod
    def from_configuration(configuration: Mapping[str, Any], credentials: Mapping[str, str]) -> "Function":
        """The function that GetFunctionConfiguration describes, run with its role's `credentials`."""
        logging = configuration.get("LoggingConfig") or {}
        image_config = (configuration.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
        name = configuration["FunctionName"]
        variables = (configuration.get("Environment") or {}).get("Variables") or {}
        return Function(
            name=name,
            arn=configuration["FunctionArn"],
            version=configuration.get("Version") or "$LATEST",
            timeout=int(configuration.get("Timeout") or 3),
            memory=int(configuration.get("MemorySize") or 128),
            code_sha256=configuration.get("CodeSha256") or "",
            image=configuration.get("ImageUri") or None,
            runtime=configuration.get("Runtime") or "",
            architecture=(configuration.get("Architectures") or ["x86_64"])[0],
            handler=configuration.get("Handler") or "",
            command=tuple(image_config.get("Command") or ()),
            role=configuration.get("Role") or "",
            environment=tuple(sorted((key, str(value)) for key, value in variables.items())),
            credentials=tuple(sorted(credentials.items())),
            log_group=logging.get("LogGroup") or f"/aws/lambda/{name}",
            log_format=logging.get("LogFormat") or "Text",
            log_level=logging.get("ApplicationLogLevel"),
        )
