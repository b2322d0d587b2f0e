"""What the workshop costs: the arithmetic, the prices' honesty, and the command at a terminal."""

import json
from dataclasses import replace

import pytest
from annotator.result import RawObject, Result

from tests.workshop.attendee import GROUP_PHOTO, Attendee
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks
from workshop.takedown.cost import PUTS_A_PHOTO, Usage, bill, gb_seconds_in, prices
from workshop.terminal.errors import WorkshopError

PRICES = prices()
DAY = 24 * 3600

REPORT = (
    "REPORT RequestId: 1\tDuration: 1117.92 ms\tBilled Duration: 2000 ms\tMemory Size: 512 MB\tMax Memory Used: 84 MB\t"
)


def position(usage: Usage, what: str):
    (line,) = (line for line in bill(usage, PRICES).lines if line.what == what)
    return line


def test_nothing_done_has_cost_nothing():
    assert bill(Usage(), PRICES).so_far == 0


def test_analysed_photos_cost_and_rejected_ones_do_not():
    line = position(Usage(photos=12, analysed=10), "Rekognition, images")
    assert line.quantity == 10
    assert line.so_far == pytest.approx(0.01)


def test_a_hundred_photos_cost_the_same_before_and_after_the_first():
    before, after = (
        bill(Usage(), PRICES),
        bill(Usage(photos=50, analysed=50, faces=100, stored_bytes=200_000_000), PRICES),
    )
    assert before.per_hundred == pytest.approx(after.per_hundred, rel=0.05)


def test_a_faces_vector_is_paid_by_the_month():
    month = position(Usage(photos=1, faces=1000, foundation_age=30 * DAY), "Rekognition, faces")
    assert month.so_far == pytest.approx(0.01)


def test_the_functions_time_is_what_its_log_says():
    assert gb_seconds_in(REPORT) == 1.0
    line = position(Usage(photos=4, serverless_age=DAY, invocations=4, gb_seconds=4.0), "Lambda, time")
    assert (line.quantity, line.counted) == (4.0, True)


@pytest.mark.parametrize(
    "line", ["START RequestId: 1", '{"message": "REPORT Billed Duration: 5 ms Memory Size: 1 MB"}', ""]
)
def test_no_other_line_of_the_log_is_taken_for_a_report(line: str):
    assert gb_seconds_in(line) is None


def test_without_a_log_the_functions_time_is_estimated_and_marked_so():
    line = position(Usage(photos=4, serverless_age=DAY), "Lambda, time")
    assert line.quantity > 0
    assert not line.counted


def test_an_idle_queue_is_polled_and_costs():
    """A day of long polls; it stays inside the free million."""
    line = position(Usage(serverless_age=DAY), "SQS")
    assert line.quantity == pytest.approx(21_600)
    assert line.free


def test_more_than_the_free_tier_is_to_be_paid():
    assert not position(Usage(serverless_age=60 * DAY), "SQS").free


@pytest.mark.parametrize(("invocations", "free"), [(999_900, True), (999_901, False)])
def test_the_free_tier_must_cover_a_hundred_more_photos_as_well(invocations: int, free: bool):
    """A million requests are free."""
    assert position(Usage(invocations=invocations), "Lambda, invocations").free == free


def test_the_image_is_paid_by_the_month_while_the_function_is_there():
    line = position(Usage(image_bytes=2_000_000_000, foundation_age=60 * DAY, serverless_age=15 * DAY), "Image in ECR")
    assert line.quantity == pytest.approx(1.0)
    assert line.per_hundred == 0


def test_rekognition_is_never_called_free():
    total = bill(Usage(photos=1, analysed=1), PRICES)
    assert total.payable >= 0.001
    assert total.payable <= total.so_far


def test_every_price_names_its_source():
    priced = [price for price in PRICES.values() if isinstance(price, dict)]
    assert len(priced) == len(bill(Usage(), PRICES).lines)
    assert all(
        price["usd"] > 0 and price["source"] and price["unit"] and isinstance(price["verified"], bool)
        for price in priced
    )


@pytest.mark.slow
def test_the_command_counts_what_was_really_done(deployed: Attendee):
    assert deployed.run("index", str(GROUP_PHOTO)).exit_code == 0
    refused = Result(
        "rejected", RawObject("raw", "huge.jpg", "v1", "etag", 1), "faces", "id", reason="too large"
    ).to_json()
    processed = deployed.outputs["ProcessedBucket"]
    deployed.client("s3").put_object(Bucket=processed, Key="results/huge.jpg/v1.json", Body=refused)
    printed = json.loads(deployed.run("cost", "--json").stdout)
    lines = {line["what"]: line for line in printed["lines"]}
    assert lines["Rekognition, images"]["quantity"] == 1
    assert lines["S3, writes"]["quantity"] == 2 * PUTS_A_PHOTO
    assert lines["S3, storage"]["quantity"] > 0
    assert printed["payable"] == pytest.approx(0.001, rel=0.1)
    assert printed["prices"]["read"] == PRICES["read"]


@pytest.mark.slow
def test_the_table_fits_80_columns_and_explains_its_marks(deployed: Attendee):
    ran = deployed.run("cost", COLUMNS="80")
    assert ran.exit_code == 0
    table = ran.stdout.partition("~ estimated")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert any(line.startswith("Lambda, time") and " GB-second " in line for line in table)
    assert "* price not read from AWS itself" in ran.stdout
    assert "Counting" not in ran.stdout
    assert "This is the local AWS: nothing is charged." in ran.stdout
    assert "Nothing is added after" not in ran.stdout


@pytest.mark.slow
def test_cost_says_which_stack_it_leaves_out(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    of = Stacks.of

    def failing(account: Account) -> Stacks:
        return replace(of(account), serverless_unusable=WorkshopError("The stack has failed."))

    monkeypatch.setattr("workshop.commands.cost.Stacks.of", failing)
    ran = deployed.run("cost")
    assert ran.exit_code == 0
    assert "Without Step 5: The stack has failed." in ran.stderr
