"""fleet.csv: who takes part, in which account and region, and which credentials open it. Pure: asks AWS nothing."""

import csv
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.regions import INDEX_FACES_PER_SECOND
from infra.settings import is_attendee
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

COLUMNS: Final = ("attendee", "account", "region", "profile", "role")

DEFAULT_ROLE: Final = "OrganizationAccountAccessRole"
"""The role that AWS Organizations makes in each account that it creates (Organizations user guide)."""

_EXPLAINED = f"""\
# One line per attendee. Lines that begin with # are ignored.
#   attendee  name of the stacks: lower-case letters, digits, hyphens
#   account   12 digits; empty: your own account, which several attendees can share
#   region    empty: the region that you choose with --region or AWS_REGION
#   profile   the AWS profile that opens the account, or
#   role      the role to assume in it; with both empty {DEFAULT_ROLE}
{",".join(COLUMNS)}
"""
_EXAMPLES = """\
# simon,111122223333,ap-southeast-2,simons-profile,
# aisha,444455556666,,,WorkshopOrganiser
# guest,,,,
"""


@dataclass(frozen=True, slots=True)
class Member:
    """One attendee of the fleet. Without `account`, in the organiser's own; without `profile`, through `role`."""

    attendee: str
    region: str
    account: str | None = None
    profile: str | None = None
    role: str | None = None


def template(accounts: tuple[str, ...] = ()) -> str:
    """A fleet.csv to fill in, or one with a line for each of these accounts."""
    digits = max(2, len(str(len(accounts))))
    lines = [f"attendee{number:0{digits}},{account},,,\n" for number, account in enumerate(accounts, start=1)]
    return _EXPLAINED + ("".join(lines) or _EXAMPLES)


def read(path: Path, region: str | None) -> list[Member]:
    """The members in the file; `region` is for lines without one.

    Raises WorkshopError with all problems of all lines at once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets begin a CSV file with a byte order mark
    except FileNotFoundError:
        raise WorkshopError(
            f"There is no {path}.", f"Make one: emotions fleet --file {shlex.quote(str(path))} init"
        ) from None
    except UnicodeDecodeError:
        raise WorkshopError(f"{path} is not a text in UTF-8.", "Save it as CSV in UTF-8.") from None
    members, problems = parsed(text, region)
    if problems:
        raise WorkshopError(f"{path} has {counted(len(problems), 'problem')}; nothing was done.", "\n".join(problems))
    if not members:
        raise WorkshopError(f"{path} names no attendee.", "Add a line for each; the file explains the columns.")
    return members


def parsed(text: str, region: str | None) -> tuple[list[Member], list[str]]:
    """The members in the text of a fleet.csv, and a sentence for each problem, with its line."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if _says_something(line)]
    if not lines:
        return [], []
    # Where a comma is the decimal sign, spreadsheets separate by semicolons.
    delimiter = ";" if ";" in lines[0][1] else ","
    rows = [
        (number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]) for number, line in lines
    ]
    number, header = rows[0]
    if "attendee" not in header or not set(header) <= set(COLUMNS) or len(set(header)) < len(header):
        return [], [f"Line {number}: expected the columns {', '.join(COLUMNS)}, not {', '.join(header)}"]
    members, problems = [], []
    for number, cells in rows[1:]:
        given = dict(zip(header, cells, strict=False))
        wrong = list(_wrong_with(given, region))
        if any(cells[len(header) :]):
            wrong.append(f"has {len(cells)} values for {len(header)} columns")
        problems += [f"Line {number}: {each}" for each in wrong]
        if not wrong:
            filled = {name: value for name, value in given.items() if value}
            members.append(Member(**{"region": region or "", **filled}))
    return members, problems + list(_twice([cells[header.index("attendee")] for _, cells in rows[1:] if cells]))


def _says_something(line: str) -> bool:
    return bool(line.strip(" ,;\t")) and not line.lstrip().startswith("#")


def _wrong_with(given: Mapping[str, str], region: str | None) -> Iterator[str]:
    attendee, account = given.get("attendee", ""), given.get("account", "")
    profile, role = given.get("profile", ""), given.get("role", "")
    where = given.get("region", "") or region
    if not is_attendee(attendee):
        yield f"{attendee!r} cannot be an attendee's name; use up to 32 lower-case letters, digits and hyphens"
    if account and not re.fullmatch(r"[0-9]{12}", account):
        yield f"{account!r} is no account's 12 digits; spreadsheets drop leading zeros unless the column is text"
    if not where:
        yield "no region is given; fill the column, or add --region"
    elif where not in INDEX_FACES_PER_SECOND:
        yield f"Amazon Rekognition has no face collections in the region {where!r}"
    if profile and role:
        yield "give a profile or a role, not both"
    if role and not account:
        yield f"the role {role!r} needs an account to be assumed in"
    # IAM API reference, CreateRole; with its path, if it has one.
    if role and not re.fullmatch(r"[\w+=,.@/-]{1,512}", role):
        yield f"{role!r} cannot be a role's name; give the name alone, without arn:…"


def _twice(attendees: list[str]) -> Iterator[str]:
    for attendee, times in Counter(attendees).items():
        if times > 1:
            yield f"{attendee} is there {times} times; give each attendee a name of their own"
