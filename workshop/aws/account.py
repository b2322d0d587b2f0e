"""Credentials, region and attendee. Only this module creates boto3 clients."""

import functools
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import boto3
import click
from botocore.config import Config

from infra.settings import is_attendee
from workshop.terminal.errors import WorkshopError, choose_region, sign_in

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
    user_agent_extra="show-your-emotions",
)
# SigV4 alone still signs for the global host name, which redirects to a fresh bucket's region and breaks the signature
# (boto3 #2989, #3015); "virtual" and "regional" together sign for bucket.s3.<region>.amazonaws.com.
_S3_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)


@dataclass(frozen=True)
class Account:
    """One attendee's view of one account in one region. Creating it calls no AWS API.

    `config` adds to what every client has, such as more patience with throttling.
    """

    session: boto3.Session
    region: str
    attendee: str = "me"
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    config: Config | None = None

    @staticmethod
    def open(attendee: str = "me", region: str | None = None, profile: str | None = None) -> "Account":
        """The account of the profile's credentials, or of the environment's.

        Raises WorkshopError if the attendee's name cannot be part of a stack's name, or if there is no region or no
        credentials. The first call shows whether AWS accepts them.
        """
        if not is_attendee(attendee):
            raise WorkshopError(
                f"{attendee!r} cannot be an attendee's name.",
                "Use up to 32 lower-case letters, digits and hyphens, such as --attendee simon.",
            )
        session = boto3.Session(profile_name=profile, region_name=region)
        if not session.region_name:
            raise WorkshopError("No AWS region is chosen.", choose_region())
        try:
            credentials = session.get_credentials()
        except (OSError, ValueError) as problem:
            # A missing or broken `credential_process`, a missing token file, invalid variables.
            raise WorkshopError(f"Your AWS credentials could not be read: {problem}", sign_in()) from None
        if credentials is None:
            raise WorkshopError("No AWS credentials were found.", sign_in())
        return Account(session, session.region_name, attendee)

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A boto3 client with limited waiting and retries. It is created once for each service and region."""
        where = region or self.region
        name = f"{service} {where}"
        if name not in self._clients:
            config = _CONFIG.merge(_S3_CONFIG) if service == "s3" else _CONFIG
            config = config.merge(self.config) if self.config else config
            try:
                self._clients[name] = self.session.client(service, region_name=where, config=config)
            except ValueError as problem:
                raise WorkshopError(f"AWS cannot be called: {problem}", "Check your AWS_… variables.") from None
        return self._clients[name]

    @property
    def credentials_are_temporary(self) -> bool:
        """Whether the credentials have a session token, and so expire."""
        credentials = self.session.get_credentials()
        return bool(credentials and credentials.token)

    @property
    def credentials_expire(self) -> datetime | None:
        """When the credentials expire; None if they do not, or if it is unknown.

        For credentials in environment variables, only AWS_CREDENTIAL_EXPIRATION says it.
        """
        credentials = self.session.get_credentials()
        if credentials is None:
            return None
        credentials.get_frozen_credentials()  # renews those that are about to expire
        # botocore has no public name for it.
        expiry: datetime | None = getattr(credentials, "_expiry_time", None)
        return expiry.astimezone(UTC) if expiry else None

    @property
    def credentials_are_renewed(self) -> bool:
        """Whether botocore renews them while the sign-in lasts.

        Those of `aws login` last 15 minutes each (SDK reference guide, "Login credentials provider").
        """
        credentials = self.session.get_credentials()
        return bool(credentials and credentials.method in ("login", "sso"))

    def cdk(self, action: str) -> str:
        """The CDK command for this attendee, to paste: `npx cdk deploy Foundation -c attendee=simon`."""
        parts = [f"npx cdk {action}"]
        if self.attendee != "me":
            parts.append(f"-c attendee={self.attendee}")
        if self.session.profile_name != "default":
            parts.append(f"--profile {quoted(self.session.profile_name)}")
        return " ".join(parts)

    def command(self, rest: str, *names: str) -> str:
        """Our command for this attendee, to paste: `emotions --attendee simon url …`.

        `names` of photos or files are quoted for the shell if necessary.
        """
        who = f" --attendee {self.attendee}" if self.attendee != "me" else ""
        return " ".join((f"emotions{who} {rest}", *map(quoted, names)))


def quoted(name: str) -> str:
    """The name quoted for the shell, on one line and without invisible characters.

    Unprintable characters become bytes in `$'…'`, which bash, zsh and POSIX 2024 shells understand.
    """
    if name.isprintable():
        return shlex.quote(name)
    escaped = (
        f"\\{character}" if character in "\\'" else character if character.isprintable() else _bytes(character)
        for character in name
    )
    return f"$'{''.join(escaped)}'"


def _bytes(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))


@dataclass(frozen=True)
class Choice:
    """The group's options: attendee, region and profile. `ctx.obj` of every command."""

    attendee: str = "me"
    region: str | None = None
    profile: str | None = None

    def account(self) -> Account:
        """The chosen account; raises WorkshopError as `Account.open` does."""
        return Account.open(self.attendee, self.region, self.profile)


P = ParamSpec("P")
R = TypeVar("R")


def pass_account(command: Callable[Concatenate[Account, P], R]) -> Callable[P, R]:
    """Pass the chosen Account to a click command as its first argument."""

    @functools.wraps(command)
    def with_account(*args: P.args, **kwargs: P.kwargs) -> R:
        context = click.get_current_context()
        return command(context.ensure_object(Choice).account(), *args, **kwargs)

    return with_account
