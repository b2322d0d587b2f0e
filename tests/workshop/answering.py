"""Clients that always give the same answer, for tests that need no emulator."""

from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.workshop.attendee import REGION
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks


class Answering:
    """A client whose every call gives this answer, or raises it; a function is given the operation and what is asked.

    What comes in pages comes in one.
    """

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __getattr__(self, operation: str) -> Any:
        def call(**asked: object) -> object:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer(operation, asked) if callable(self._answer) else self._answer

        return call

    def get_paginator(self, operation: str) -> Any:
        return type("Pages", (), {"paginate": lambda _self, **asked: [getattr(self, operation)(**asked)]})()


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no, never"}}, "Anything")


def account_with(region: str = REGION, **clients: Any) -> Account:
    """Simon's account, with these clients for these services."""
    session = boto3.Session("AKIA", "secret", region_name=region)
    return Account(session, region, "simon", {f"{service} {region}": client for service, client in clients.items()})


def stacks_with(**clients: Any) -> Stacks:
    """Simon's stacks, both of them."""
    return Stacks(account_with(**clients), "raw", "processed", "faces", "inbox", "failed", "annotator", "logs")
