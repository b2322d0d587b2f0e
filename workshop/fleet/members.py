"""The members' accounts: a session for each, by its profile, by a role assumed in it, or the organiser's own.

The credentials of an assumed role are refreshed before they end, and stay in memory.
"""

from types import SimpleNamespace
from typing import Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.loaders import Loader

from workshop.aws.account import Account
from workshop.fleet.roster import DEFAULT_ROLE, Member
from workshop.terminal.errors import WorkshopError

PATIENT: Final = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
"""For CloudFormation, STS, IAM and S3 when many accounts are asked at once: slower after each throttling."""

_MODELS = Loader()
"""Shared by all sessions: each would read the models of every service anew."""


def account_of(member: Member, organiser: Account, organisers_id: str) -> Account:
    """The member's account, opened from the organiser's. Asks AWS nothing until its first use.

    Raises botocore's ProfileNotFound.
    """
    session = botocore.session.Session(profile=member.profile)
    session.register_component("data_loader", _MODELS)
    if not member.profile:
        credentials = organiser.session.get_credentials()
        if member.role or (member.account and member.account != organisers_id):
            credentials = _assumed(member, session, credentials)
        session.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: credentials))
    return Account(
        boto3.Session(botocore_session=session, region_name=member.region),
        member.region,
        member.attendee,
        config=PATIENT,
    )


def require_right_account(member: Member, account: Account) -> str:
    """The id of the account that the credentials open; raises WorkshopError if the roster says another."""
    found: str = account.client("sts").get_caller_identity()["Account"]
    if member.account and member.account != found:
        raise WorkshopError(
            f"The profile {member.profile} opens the account {found}, not {member.account}.",
            "Correct the line in the fleet's file.",
        )
    return found


def _assumed(
    member: Member, session: botocore.session.Session, source: Credentials | None
) -> DeferredRefreshableCredentials:
    """The credentials of the member's role, an hour at a time; AWS is asked when they are first needed.

    An hour is the most for a role assumed by a role (IAM user guide, "Role chaining").
    """
    session.set_default_client_config(PATIENT)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda service, **keys: session.create_client(service, region_name=member.region, **keys),
        source_credentials=source,
        role_arn=f"arn:aws:iam::{member.account}:role/{member.role or DEFAULT_ROLE}",
        extra_args={"RoleSessionName": "show-your-emotions-organiser"},
    )
    return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
