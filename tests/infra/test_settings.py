import json

import pytest

import app
from infra.regions import INDEX_FACES_PER_SECOND
from infra.settings import UnusableSetting, WorkshopSettings, keep, kept_settings


def test_an_empty_context_gives_the_defaults():
    settings = WorkshopSettings.from_context({}, "ap-southeast-2")
    assert settings == WorkshopSettings(region="ap-southeast-2")
    assert WorkshopSettings.from_context({"keep_days": None}, "ap-southeast-2") == settings


def test_text_and_numbers_give_the_same_settings():
    from_text = WorkshopSettings.from_context({"keep_days": "7", "long_edge": "0", "memory": "1024"})
    assert from_text == WorkshopSettings.from_context({"keep_days": 7, "long_edge": 0, "memory": 1024})
    assert (from_text.keep_days, from_text.long_edge, from_text.memory) == (7, 0, 1024)


@pytest.mark.parametrize(
    ("setting", "numbers"), [("keep_days", (1, 365)), ("long_edge", (256, 8192)), ("memory", (512, 3008))]
)
def test_the_limits_in_the_error_sentence_are_valid(setting, numbers):
    for number in numbers:
        assert getattr(WorkshopSettings.from_context({setting: number}), setting) == number
    for number in (numbers[0] - 1, numbers[1] + 1):
        with pytest.raises(UnusableSetting, match=setting):
            WorkshopSettings.from_context({setting: number})


def test_cdks_own_context_is_ignored():
    own = {"@aws-cdk/core:checkSecretUsage": True, "aws:cdk:enable-path-metadata": True, "cli-telemetry": False}
    assert WorkshopSettings.from_context(own) == WorkshopSettings()


def test_tags_are_equal_from_command_line_and_cdk_json():
    wanted = {"team": "cloud", "event": "meetup 42"}
    assert WorkshopSettings.from_context({"tags": "team=cloud,event=meetup 42"}).tags == wanted
    assert WorkshopSettings.from_context({"tags": wanted}).tags == wanted
    assert WorkshopSettings.from_context({"tags": "team = cloud, event=meetup 42,"}).tags == wanted
    assert WorkshopSettings.from_context({"tags": "a=b=c"}).tags == {"a": "b=c"}


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"attendee": "Simon B"}, "Invalid attendee='Simon B'"),
        ({"attendee": "simon-"}, "lower-case letters, digits and hyphens"),
        ({"attendee": "-simon"}, "lower-case letters, digits and hyphens"),
        ({"attendee": "s" * 33}, "up to 32"),
        ({"attendee": "simon\n"}, "Invalid attendee='simon"),
        ({"attendee": ""}, "Invalid attendee=''"),
        ({"keep_days": "0"}, "from 1 to 365"),
        ({"keep_days": "one"}, "Invalid keep_days='one'"),
        ({"keep_days": "1.5"}, "a whole number"),
        ({"keep_days": "٣"}, "a whole number"),
        ({"long_edge": "100"}, "0 keeps its size"),
        ({"memory": "4096"}, "Invalid memory=4096: a new account allows at most 3008 MB"),
        ({"memory": "99999"}, "at most 3008 MB"),
        ({"memory": "128"}, "from 512 to 3008"),
        ({"memry": "600"}, "memry is not a setting; did you mean memory?"),
        ({"colour": "red"}, "colour is not a setting; the settings are attendee,"),
        ({"max_concurrency": "1"}, "from 2 to 1000"),
        ({"keep-days": "9"}, "did you mean keep_days?"),
        ({"architecture": "arm"}, "use x86_64 or arm64"),
        ({"package": "Zip"}, "Invalid package='Zip': use image or zip"),
        ({"tags": "team"}, "-c tags=team=cloud"),
        ({"tags": ["team"]}, "-c tags=team=cloud"),
        ({"tags": "attendee=simon"}, "The workshop itself uses the tag attendee"),
        ({"tags": "aws:x=1"}, "AWS does not accept the tag aws:x='1'"),
        ({"tags": "AWS:x=1"}, "AWS does not accept the tag"),
        ({"tags": "Workshop=mine"}, "The workshop itself uses the tag Workshop"),
        ({"tags": "Team=a,team=b"}, "differ only in case: Team, team"),
        ({"tags": {f"tag{number}": "" for number in range(41)}}, "Too many tags: 41, at most 40"),
        ({"tags": "a=<b>"}, "AWS does not accept the tag"),
        ({"tags": "=cloud"}, "AWS does not accept the tag"),
        ({"tags": {"n" * 129: ""}}, "AWS does not accept the tag"),
        ({"tags": {"team": "v" * 257}}, "AWS does not accept the tag"),
        ({"region": "us-east-1"}, "region is not a setting"),
    ],
)
def test_an_invalid_setting_is_rejected_with_one_sentence(context, says):
    with pytest.raises(UnusableSetting) as refused:
        WorkshopSettings.from_context(context, "ap-southeast-2")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("region", ["ap-southeast-4", "eu-north-1", "mars-north-1"])
def test_a_region_without_rekognition_is_rejected_at_synth(region):
    with pytest.raises(UnusableSetting, match=f"no face collections in the region {region}; choose another"):
        WorkshopSettings.from_context({}, region)


@pytest.mark.parametrize(
    ("region", "concurrency"),
    [("ap-southeast-2", 6), ("us-east-1", 8), ("us-west-2", 8), ("eu-west-1", 8), (None, 6)],
)
def test_default_concurrency_follows_the_regions_quota_up_to_8(region, concurrency):
    """A new account has 10 concurrent executions in all."""
    assert WorkshopSettings.from_context({}, region).max_concurrency == concurrency


def test_the_list_of_regions_agrees_with_botocore():
    """If one list changes, the other probably has to follow."""
    import botocore.session

    session = botocore.session.Session()
    offered = {
        region
        for partition in ("aws", "aws-us-gov")
        for region in session.get_available_regions("rekognition", partition)
        if not region.endswith("-fips")
    }
    assert offered - {"us-gov-east-1"} == set(INDEX_FACES_PER_SECOND)


def test_the_attendee_variable_selects_the_stacks(monkeypatch):
    """The commands read ATTENDEE, too. `-c attendee=…` takes precedence."""
    monkeypatch.setenv("ATTENDEE", "simon")
    for context, attendee in (({}, "simon"), ({"attendee": "anna"}, "anna")):
        settings = WorkshopSettings.from_context(app._attendee_from_env() | context, "ap-southeast-2")
        assert settings.attendee == attendee


def test_a_deploy_keeps_what_the_settings_file_keeps(tmp_path):
    """Photos must not be deleted sooner than promised because a later deploy does not repeat `-c`."""
    settings = WorkshopSettings.from_context({"keep_days": "3", "tags": {"team": "cloud"}})
    days, tags = app.for_this_deploy_only(settings, tmp_path)
    assert days.startswith("keep_days=3 is for this deploy only; the next one without -c uses 1. To keep it: ")
    assert tags.endswith(" uses none. To keep it: emotions settings tags=team=cloud")
    keep(tmp_path, {"keep_days": "3", "tags": "team=cloud"})
    assert app.for_this_deploy_only(settings, tmp_path) == []
    (sentence,) = app.for_this_deploy_only(WorkshopSettings(keep_days=1, tags={"team": "cloud"}), tmp_path)
    assert "keep_days=1 is for this deploy only; the next one without -c uses 3" in sentence


def test_the_region_and_the_attendee_are_no_kept_settings(tmp_path):
    """Both have variables of their own, and a region changes the default of max_concurrency."""
    settings = WorkshopSettings.from_context({"attendee": "simon"}, "us-east-1")
    assert settings.max_concurrency != WorkshopSettings().max_concurrency
    assert app.for_this_deploy_only(settings, tmp_path) == []


def test_cdk_json_comes_before_the_settings_file_as_for_the_cli(tmp_path):
    (tmp_path / "cdk.json").write_text('{"context": {"keep_days": 7, "@aws-cdk/x": true}}')
    keep(tmp_path, {"keep_days": "3", "memory": "1024"})
    assert kept_settings(tmp_path) == {"keep_days": (7, "cdk.json"), "memory": ("1024", "cdk.context.json")}


def test_keeping_a_setting_leaves_the_rest_of_the_file_alone(tmp_path):
    (tmp_path / "cdk.context.json").write_text('{"availability-zones:x": ["a"], "memory": "600"}')
    keep(tmp_path, {"memory": None, "keep_days": "3"})
    assert json.loads((tmp_path / "cdk.context.json").read_text()) == {"availability-zones:x": ["a"], "keep_days": "3"}


def test_a_settings_file_that_is_not_json_is_one_sentence(tmp_path):
    (tmp_path / "cdk.context.json").write_text("keep_days=3")
    with pytest.raises(UnusableSetting, match=r"cdk\.context\.json is not valid JSON"):
        kept_settings(tmp_path)
