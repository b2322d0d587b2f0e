"""fleet.csv: what a line may say, and that all problems come at once."""

from pathlib import Path

import pytest

from workshop.fleet.roster import Member, parsed, read, template
from workshop.terminal.errors import WorkshopError

SYDNEY = "ap-southeast-2"
HEADER = "attendee,account,region,profile,role\n"


def test_each_way_to_open_an_account():
    members, problems = parsed(
        f"# who\n{HEADER}simon,111122223333,eu-west-1,simons,\n\n aisha , 444455556666,,,Helper\nguest,,,,\n", SYDNEY
    )
    assert not problems
    assert members == [
        Member("simon", "eu-west-1", "111122223333", profile="simons"),
        Member("aisha", SYDNEY, "444455556666", role="Helper"),
        Member("guest", SYDNEY),
    ]


def test_a_spreadsheets_semicolons_and_missing_columns_are_fine():
    members, problems = parsed("attendee;account\nsimon;111122223333\n", SYDNEY)
    assert (members, problems) == ([Member("simon", SYDNEY, "111122223333")], [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Simon S,,,,", "cannot be an attendee's name"),
        ("simon,11112222333,,,", "'11112222333' is no account's 12 digits"),
        ("simon,1.11122E+11,,,", "is no account's 12 digits"),
        ("simon,,ap-southeast-4,,", "no face collections in the region 'ap-southeast-4'"),
        ("simon,111122223333,,mine,Helper", "a profile or a role, not both"),
        ("simon,,,,Helper", "needs an account"),
        ("simon,111122223333,,,arn:aws:iam::111122223333:role/Helper", "give the name alone"),
        ("simon,,,,,more", "has 6 values for 5 columns"),
    ],
)
def test_a_line_that_cannot_be_used(line: str, says: str):
    members, (problem,) = parsed(f"{HEADER}{line}\n", SYDNEY)
    assert not members
    assert problem.startswith("Line 2: ")
    assert says in problem


def test_all_problems_come_at_once(tmp_path: Path):
    file = tmp_path / "fleet.csv"
    file.write_text(f"{HEADER}simon,1,mars,,\nsimon,,,,\n")
    with pytest.raises(WorkshopError, match="has 3 problems; nothing was done") as raised:
        read(file, SYDNEY)
    assert [line.partition(":")[0] for line in (raised.value.hint or "").splitlines()] == [
        "Line 2",
        "Line 2",
        "simon is there 2 times; give each attendee a name of their own",
    ]


def test_without_any_region_a_line_must_say_one():
    assert "no region is given" in parsed(f"{HEADER}simon,,,,\n", None)[1][0]


def test_wrong_columns_are_named():
    assert parsed("name,account\nsimon,1\n", SYDNEY)[1] == [
        "Line 1: expected the columns attendee, account, region, profile, role, not name, account"
    ]


def test_the_template_names_nobody_until_it_is_filled_in(tmp_path: Path):
    file = tmp_path / "fleet.csv"
    file.write_text(template())
    with pytest.raises(WorkshopError, match="names no attendee"):
        read(file, SYDNEY)


def test_the_templates_examples_work_as_they_are():
    members, problems = parsed(template().replace("\n# ", "\n#").replace("\n#simon", "\nsimon"), SYDNEY)
    assert not problems
    assert members == [Member("simon", "ap-southeast-2", "111122223333", profile="simons-profile")]


def test_the_template_has_a_line_for_each_account():
    members, problems = parsed(template(("111122223333", "444455556666")), SYDNEY)
    assert not problems
    assert [member.attendee for member in members] == ["attendee01", "attendee02"]
