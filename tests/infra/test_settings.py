import pytest

import app
from infra.regions import INDEX_FACES_PER_SECOND
from infra.settings import UnusableSetting, WorkshopSettings


def test_an_empty_context_gives_the_defaults():
    settings = WorkshopSettings.from_context({}, "ap-southeast-2")
    assert settings == WorkshopSettings(region="ap-southeast-2")
    assert WorkshopSettings.from_context({"keep_days": None}, "ap-southeast-2") == settings


def test_the_command_line_gives_text_and_cdk_json_gives_numbers():
    from_text = WorkshopSettings.from_context({"keep_days": "7", "long_edge": "0", "memory": "1024"})
    assert from_text == WorkshopSettings.from_context({"keep_days": 7, "long_edge": 0, "memory": 1024})
    assert (from_text.keep_days, from_text.long_edge, from_text.memory) == (7, 0, 1024)


@pytest.mark.parametrize(
    ("setting", "numbers"), [("keep_days", (1, 365)), ("long_edge", (256, 8192)), ("memory", (512, 3008))]
)
def test_the_first_and_the_last_number_that_a_sentence_names_will_do(setting, numbers):
    for number in numbers:
        assert getattr(WorkshopSettings.from_context({setting: number}), setting) == number
    for number in (numbers[0] - 1, numbers[1] + 1):
        with pytest.raises(UnusableSetting, match=setting):
            WorkshopSettings.from_context({setting: number})


def test_cdks_own_context_is_passed_over():
    own = {"@aws-cdk/core:checkSecretUsage": True, "aws:cdk:enable-path-metadata": True, "cli-telemetry": False}
    assert WorkshopSettings.from_context(own) == WorkshopSettings()


def test_tags_read_the_same_from_the_command_line_and_from_cdk_json():
    wanted = {"team": "cloud", "event": "meetup 42"}
    assert WorkshopSettings.from_context({"tags": "team=cloud,event=meetup 42"}).tags == wanted
    assert WorkshopSettings.from_context({"tags": wanted}).tags == wanted
    assert WorkshopSettings.from_context({"tags": "team = cloud, event=meetup 42,"}).tags == wanted
    assert WorkshopSettings.from_context({"tags": "a=b=c"}).tags == {"a": "b=c"}


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"attendee": "Simon B"}, "attendee='Simon B' cannot be part of a stack name"),
        ({"attendee": "simon-"}, "lower-case letters, digits and hyphens"),
        ({"attendee": "-simon"}, "lower-case letters, digits and hyphens"),
        ({"attendee": "s" * 33}, "up to 32"),
        ({"attendee": "simon\n"}, "cannot be part of a stack name"),
        ({"attendee": ""}, "cannot be part of a stack name"),
        ({"keep_days": "0"}, "from 1 to 365"),
        ({"keep_days": "one"}, "keep_days='one'"),
        ({"keep_days": "1.5"}, "a whole number"),
        ({"keep_days": "٣"}, "a whole number"),
        ({"long_edge": "100"}, "0 keeps its size"),
        ({"memory": "4096"}, "more than the 3008 MB that a new account's functions may have"),
        ({"memory": "99999"}, "more than the 3008 MB"),
        ({"memory": "128"}, "from 512 to 3008"),
        ({"memry": "600"}, "memry is not a setting; did you mean memory?"),
        ({"colour": "red"}, "colour is not a setting; there are attendee,"),
        ({"max_concurrency": "1"}, "from 2 to 1000"),
        ({"keep-days": "9"}, "did you mean keep_days?"),
        ({"architecture": "arm"}, "use x86_64 or arm64"),
        ({"tags": "team"}, "-c tags=team=cloud"),
        ({"tags": ["team"]}, "-c tags=team=cloud"),
        ({"tags": "attendee=somebody"}, "is the workshop's own"),
        ({"tags": "aws:x=1"}, "not one that AWS takes"),
        ({"tags": "AWS:x=1"}, "not one that AWS takes"),
        ({"tags": "Workshop=mine"}, "is the workshop's own"),
        ({"tags": "Team=a,team=b"}, "differ in case only"),
        ({"tags": {f"tag{number}": "" for number in range(41)}}, "too many"),
        ({"tags": "a=<b>"}, "not one that AWS takes"),
        ({"tags": "=cloud"}, "not one that AWS takes"),
        ({"tags": {"n" * 129: ""}}, "not one that AWS takes"),
        ({"tags": {"team": "v" * 257}}, "not one that AWS takes"),
        ({"region": "us-east-1"}, "region is not a setting"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_a_sentence(context, says):
    with pytest.raises(UnusableSetting) as refused:
        WorkshopSettings.from_context(context, "ap-southeast-2")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("region", ["ap-southeast-4", "eu-north-1", "mars-north-1"])
def test_a_region_without_rekognition_is_refused_before_anything_is_deployed(region):
    with pytest.raises(UnusableSetting, match=f"no face collections in the region {region}; choose another"):
        WorkshopSettings.from_context({}, region)


@pytest.mark.parametrize(
    ("region", "photos_at_once"),
    [("ap-southeast-2", 6), ("us-east-1", 8), ("us-west-2", 8), ("eu-west-1", 8), (None, 6)],
)
def test_the_brake_follows_the_regions_quota_and_leaves_a_new_account_room(region, photos_at_once):
    assert WorkshopSettings.from_context({}, region).max_concurrency == photos_at_once


def test_the_list_of_regions_agrees_with_botocore():
    """Both name the same regions; whichever changes first is worth a look."""
    import botocore.session

    session = botocore.session.Session()
    offered = {
        region
        for partition in ("aws", "aws-us-gov")
        for region in session.get_available_regions("rekognition", partition)
        if not region.endswith("-fips")
    }
    assert offered - {"us-gov-east-1"} == set(INDEX_FACES_PER_SECOND)


def test_the_terminals_attendee_deploys_their_own_stacks(monkeypatch):
    """ATTENDEE, which the commands read; what is said with -c counts more."""
    monkeypatch.setenv("ATTENDEE", "simon")
    for context, attendee in (({}, "simon"), ({"attendee": "anna"}, "anna")):
        settings = WorkshopSettings.from_context(app._said_of_the_attendee() | context, "ap-southeast-2")
        assert settings.attendee == attendee
