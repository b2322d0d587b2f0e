"""How long a link lives: as long as was asked for, or as the credentials that signed it."""

from datetime import UTC, datetime, timedelta

import pytest

from workshop.aws.account import Account
from workshop.aws.links import link_to


@pytest.mark.parametrize(("hours", "ends"), [(10, 2), (2, 2), (1, 1)])
def test_a_link_expires_with_credentials_that_expire_first(monkeypatch: pytest.MonkeyPatch, hours: int, ends: int):
    now = datetime.now(UTC).replace(microsecond=0)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_CREDENTIAL_EXPIRATION": (now + timedelta(hours=hours)).isoformat(),
    }.items():
        monkeypatch.setenv(name, value)
    link = link_to(Account.open(region="eu-west-1"), "processed", "me.jpg", timedelta(hours=2), now=now)
    assert link.ends == now + timedelta(hours=ends)
    assert bool(link.caveat) == (ends < 2)
