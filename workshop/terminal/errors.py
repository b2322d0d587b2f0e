"""Errors, as one sentence and a hint what to do."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import urlsplit

import click

from workshop import PROJECT
from workshop.terminal.console import err, plain, plain_lines, print_prose


class WorkshopError(click.ClickException):
    """A sentence that says what went wrong, with which value, and a hint that says what to do.

    It is printed on stderr without a traceback, and the command exits with 1.
    """

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002  (click's signature)
        """Print the sentence, and the hint below it."""
        print_prose(err, f"Error: {plain(self.message)}", "bold red")
        if self.hint:
            print_prose(err, plain_lines(self.hint))


class Interrupted(WorkshopError):
    """Ctrl-C: `hint` says what is unfinished and how to continue. Exits with 130, as shells expect."""

    exit_code = 130


@contextmanager
def aws_errors_as_sentences() -> Iterator[None]:
    """Turn boto3's exceptions inside the block into a WorkshopError; other exceptions pass through."""
    try:
        yield
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        raise explained from error


def explain(error: Exception) -> WorkshopError | None:
    """The error to print for one of boto3's exceptions, or None for any other."""
    from boto3.exceptions import Boto3Error  # slow to import, and only needed when something went wrong
    from botocore import exceptions as aws

    match error:
        case UnicodeEncodeError():
            return WorkshopError("One of the names contains bytes that are not valid text.", "Rename the file.")
        case aws.ClientError():
            return refusal(error)
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return WorkshopError("No AWS credentials were found.", sign_in())
        case aws.ProfileNotFound():
            return WorkshopError(f"{error}.", "`aws configure list-profiles` lists your profiles.")
        case (
            aws.SSOError()
            | aws.TokenRetrievalError()
            | aws.CredentialRetrievalError()
            | aws.LoginError()
            | aws.NoAuthTokenError()
        ):
            return WorkshopError(
                f"Your sign-in could not be used: {error}", f"It may have ended; sign in again. {sign_in()}"
            )
        case aws.MissingDependencyException():
            return WorkshopError(f"This .venv lacks a package: {error}", "Install it: make setup")
        case aws.NoRegionError():
            return WorkshopError("No AWS region is chosen.", choose_region())
        case aws.ProxyConnectionError() | aws.SSLError():
            return WorkshopError(
                f"The connection to AWS failed: {error}",
                "Check the proxy settings, or use another network.",
            )
        case aws.HTTPClientError() | aws.ConnectionError():
            where = getattr(error, "kwargs", {}).get("endpoint_url") or "AWS"
            return WorkshopError(f"{where} could not be reached.", _online(where))
        case aws.BotoCoreError() | Boto3Error():
            return WorkshopError(f"The AWS request failed: {error}")
    return None


LOCAL_AWS = PROJECT / "build" / "local-aws.env"
"""The variables of a terminal that uses the local AWS; the file is there while `make local` runs."""


def sign_in() -> str:
    """How to get credentials; first of all, those of a local AWS that is running."""
    if local := use_local_aws():
        return local
    return (
        "On a laptop: `aws login`, `aws sso login` or `aws configure`; `aws sts get-caller-identity` shows who you "
        "are. In CloudShell you are signed in already. Without an account: `make local`, and do what it prints."
    )


def choose_region() -> str:
    """How to choose a region; a local AWS that is running has one."""
    region = "Add --region ap-southeast-2 (or yours), or set it once: export AWS_REGION=ap-southeast-2"
    return use_local_aws() or region


def use_local_aws() -> str | None:
    """The command that makes this terminal use the local AWS, if one is running and the terminal does not."""
    if "AWS_ENDPOINT_URL" in os.environ or not LOCAL_AWS.exists():
        return None
    variables = shlex.quote(os.path.relpath(LOCAL_AWS))
    return f"A local AWS is running on this computer. To use it in this terminal: source {variables}"


def uses_local_aws() -> bool:
    """Whether this terminal uses a local AWS, which charges nothing and needs no Docker."""
    return _is_here(os.environ.get("AWS_ENDPOINT_URL", ""))


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname == "127.0.0.1"


def _online(address: str) -> str:
    if _is_here(address):
        return (
            "The local AWS is not running. Type `make local` in another terminal, and here: source build/local-aws.env"
        )
    return "Check that this computer is online and that the region exists."


_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_UNKNOWN_CREDENTIALS = {
    "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
    "AuthFailure", "InvalidToken", "IncompleteSignature", "InvalidSignatureException",
}  # fmt: skip
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403"}
_WRONG_CLOCK = {"RequestTimeTooSkewed", "RequestInTheFuture"}
_NOT_SUBSCRIBED = {"SubscriptionRequiredException", "OptInRequired"}
_THROTTLED = {
    "ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded",
}  # fmt: skip

GONE = {
    "NoSuchBucket", "ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
}  # fmt: skip
"""AWS's error codes for a bucket, collection, function, log group or queue that does not exist."""


def code_of(error: Exception) -> str:
    """AWS's error code, such as NoSuchKey; empty if the exception is not a response from AWS."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def refusal(error: Any) -> WorkshopError:
    """The error to print for a ClientError, which is a response from AWS."""
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message", "")).strip() or "no message"
    operation = error.operation_name
    if code in _EXPIRED:
        return WorkshopError("Your AWS credentials have expired.", f"Sign in again. {sign_in()}")
    if code in _UNKNOWN_CREDENTIALS:
        return WorkshopError(f"AWS does not accept these credentials ({code}).", sign_in())
    if code in _WRONG_CLOCK:
        return WorkshopError(
            "This computer's clock is wrong, so AWS rejects its signatures.", "Set the clock, then try again."
        )
    if code in _DENIED:
        return WorkshopError(
            f"AWS refused {operation} ({code}): {message}",
            "These credentials lack the permission, or the resource is not yours; "
            "`aws sts get-caller-identity` shows who you are.",
        )
    if code in _NOT_SUBSCRIBED:
        return WorkshopError(
            f"This account may not use the service behind {operation} ({code}).",
            "An account on AWS's free plan may lack it: upgrade the plan in the Billing console, or use `make local`.",
        )
    if code in _THROTTLED:
        return WorkshopError(f"AWS throttled the request ({code} for {operation}).", "Wait a minute, then try again.")
    if code in GONE:
        return WorkshopError(
            "A bucket of your stacks was deleted."
            if code == "NoSuchBucket"
            else f"A resource of your stacks no longer exists ({code} for {operation}).",
            "To see which one, and what to do: emotions check",
        )
    return WorkshopError(f"AWS answered {operation} with {code}: {message}")
