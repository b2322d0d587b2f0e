"""teardown: its question, its output, and how it calls the CDK CLI.

The end-to-end test takes real stacks down with the real CLI.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.workshop.answering import Answering, account_with
from tests.workshop.attendee import Attendee
from tests.workshop.takedown.inventory import inventory
from tests.workshop.takedown.test_leftovers import (
    CLINGING,
    NAMES,
    asset_bucket,
    repository,
    tagged,
)
from workshop.aws.account import Account
from workshop.commands import teardown as module
from workshop.takedown.destroy import destroy
from workshop.takedown.footprint import Footprint, Kind, Thing
from workshop.takedown.leftovers import Leftover

pytestmark = pytest.mark.slow


@pytest.fixture
def clinging(attendee: Attendee, monkeypatch: pytest.MonkeyPatch) -> Attendee:
    """A stack of simon's whose resources refuse to go with it."""
    attendee.client("s3").create_bucket(
        Bucket=asset_bucket(attendee), CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"}
    )
    attendee.client("ecr").create_repository(repositoryName=repository(attendee))
    attendee.deploy("Foundation", tagged("simon", CLINGING, keep=True), name="simon")
    monkeypatch.setattr(module, "PATIENCE", 0)
    return attendee


def destroy_without_the_cdk(account: Account) -> bool:
    """CloudFormation alone is enough here, and quicker."""
    account.client("cloudformation").delete_stack(StackName=NAMES)
    return True


def test_leftovers_are_printed_with_their_commands_and_exit_1(clinging: Attendee, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "destroy", destroy_without_the_cdk)
    ran = clinging.run("--attendee", "simon", "teardown", "--yes")
    assert ran.exit_code == 1
    assert "nothing left" not in ran.stdout
    lines = ran.stdout.splitlines()
    assert len(lines) == 2 * 8
    assert all(line.startswith("  aws ") for line in lines[1::2])
    assert "1 event source mapping, 1 function, 1 bucket, 1 queue, 1 log group, 1 alarm, 1 role left." in ran.stderr


def test_left_things_are_values_in_json(clinging: Attendee, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "destroy", destroy_without_the_cdk)
    ran = clinging.run("--attendee", "simon", "teardown", "--yes", "--json")
    left = json.loads(ran.stdout)
    assert {"kind", "name", "remove"} == set(left[0])
    assert ran.exit_code == 1


def test_a_destroy_that_failed_is_said_to_have_failed(clinging: Attendee, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "destroy", lambda _account: False)
    ran = clinging.run("--attendee", "simon", "teardown", "--yes")
    assert ran.exit_code == 1
    assert "because `cdk destroy` failed" in ran.stderr
    assert f"stack {NAMES}" in ran.stdout


def test_nothing_is_deleted_while_nobody_can_confirm_it(clinging: Attendee):
    before = inventory(clinging)
    ran = clinging.run("--attendee", "simon", "teardown")
    assert ran.exit_code == 1
    assert "Nothing was deleted" in ran.stderr
    assert "--yes" in ran.stderr
    assert inventory(clinging) == before


def test_a_dry_run_deletes_nothing(clinging: Attendee):
    before = inventory(clinging)
    ran = clinging.run("--attendee", "simon", "teardown", "--dry-run")
    assert ran.exit_code == 0
    assert f"stack                {NAMES}" in ran.stdout
    assert inventory(clinging) == before


def test_a_dry_run_calls_a_queue_by_its_name(clinging: Attendee):
    ran = clinging.run("--attendee", "simon", "teardown", "--dry-run")
    (queue,) = re.findall(r"^queue +(.*)$", ran.stdout, re.MULTILINE)
    assert "/" not in queue
    assert all(line == line.rstrip() for line in ran.stdout.splitlines())


@pytest.mark.parametrize(
    ("kinds", "question"),
    [
        (["asset"], "This deletes 1 asset of me in ap-southeast-2.\n"),
        (["bucket", "collection"], "1 collection of me in ap-southeast-2, with all photos and faces.\n"),
    ],
)
def test_photos_and_faces_are_named_only_where_they_go(
    attendee: Attendee, monkeypatch: pytest.MonkeyPatch, kinds: list[Kind], question: str
):
    there = [Leftover(kind, "name", "remove") for kind in kinds]
    monkeypatch.setattr(module, "leftovers", lambda *_: there)
    ran = attendee.run("teardown")
    assert question in ran.stderr
    assert all(f"{kind:<21}name\n" in ran.stderr for kind in kinds), "what will be deleted is listed"


def test_an_image_that_another_stack_uses_is_named_as_staying(attendee: Attendee, monkeypatch: pytest.MonkeyPatch):
    shared = Footprint(attendee.account, "ap-southeast-2", frozenset(), frozenset({Thing("image", "tag")}))
    monkeypatch.setattr(module, "footprint_of", lambda _: shared)
    monkeypatch.setattr("workshop.takedown.leftovers.footprint_of", lambda _: shared)
    ran = attendee.run("teardown")
    assert ran.stdout == "nothing left of yours, except what other stacks use too\n"
    assert "The image tag stays: another stack uses it too." in ran.stderr


def test_an_interruption_says_how_to_go_on(clinging: Attendee, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_account: Account) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "destroy", interrupt)
    ran = clinging.run("--attendee", "simon", "teardown", "--yes")
    assert ran.exit_code == 130
    assert "To remove the rest, run: emotions --attendee simon teardown" in ran.stderr


@pytest.fixture
def cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CDK CLI that writes its arguments to a file and exits with the status in the file `code`."""
    (tmp_path / "node").write_text(
        f"""#!/bin/sh
cd {tmp_path} && shift && (echo "$@"; echo "$AWS_REGION $AWS_DEFAULT_REGION $AWS_PROFILE"; cat) > called
echo "its results"
exit $(cat code)
"""
    )
    (tmp_path / "node").chmod(0o755)
    (tmp_path / "code").write_text("0")
    (tmp_path / "config").write_text("[profile mine]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")  # what is chosen on the command line counts instead
    monkeypatch.setattr("workshop.aws.cdk.node", lambda: str(tmp_path / "node"))
    return tmp_path


def described(_operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    return {"Stacks": [{"StackStatus": "CREATE_COMPLETE"}] if asked["StackName"].endswith("-Foundation") else []}


ONLY_FOUNDATION = Answering(described)


def called(cdk: Path) -> tuple[str, str, str]:
    arguments, chosen, typed = (cdk / "called").read_text().split("\n", 2)
    return arguments, chosen, typed


@pytest.mark.parametrize(("code", "went_well"), [("0", True), ("1", False), ("130", False)])
def test_destroy_runs_the_cdk_and_returns_whether_it_succeeded(
    cdk: Path, capfd: pytest.CaptureFixture[str], code: str, went_well: bool
):
    (cdk / "code").write_text(code)
    assert destroy(account_with("eu-west-1", cloudformation=ONLY_FOUNDATION)) == went_well
    arguments, chosen, _ = called(cdk)
    assert re.fullmatch(r"destroy Foundation --exclusively --force --output \S+ -c attendee=simon", arguments)
    assert chosen == "eu-west-1 eu-west-1 "
    assert capfd.readouterr() == ("", "its results\n"), "stdout is for ours"


@pytest.fixture
def somebody_types(tmp_path: Path) -> Iterator[None]:
    """Whoever reads this process's standard input gets a yes."""
    (tmp_path / "typed").write_text("y\n")
    before = os.dup(0)
    with (tmp_path / "typed").open() as keyboard:
        os.dup2(keyboard.fileno(), 0)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.usefixtures("somebody_types")
def test_the_cdk_gets_the_profile_but_not_the_standard_input(cdk: Path):
    clients = {"cloudformation eu-west-1": ONLY_FOUNDATION}
    assert destroy(Account(boto3.Session(profile_name="mine", region_name="eu-west-1"), "eu-west-1", "simon", clients))
    assert called(cdk)[1:] == ("eu-west-1 eu-west-1 mine", "")


def test_without_the_cdk_nothing_is_begun(clinging: Attendee, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("workshop.aws.cdk.CLI", tmp_path / "cdk")
    before = inventory(clinging)
    ran = clinging.run("--attendee", "simon", "teardown", "--yes")
    assert ran.exit_code == 1
    assert "make setup" in ran.stderr
    assert inventory(clinging) == before


def test_an_empty_account_has_nothing_left_and_needs_no_yes(attendee: Attendee):
    ran = attendee.run("teardown")
    assert (ran.exit_code, ran.stdout) == (0, "nothing left\n")
