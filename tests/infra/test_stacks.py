"""Rules that no accepted snapshot may break: access, removal, and figures that depend on each other."""

import json
import os
import re
import shutil
from collections.abc import Iterator

import pytest
import yaml
from aws_cdk import App, Duration, Stack
from syrupy.assertion import SnapshotAssertion

from infra.face_collection import FaceCollection
from infra.photo_store import PhotoStore
from infra.settings import NEW_ACCOUNT_MEMORY
from tests.infra.conftest import PROJECT, synthesise

FACES = "arn:aws:rekognition:ap-southeast-2:111122223333:collection/ShowYourEmotions-simon-Foundation"


def plain(value):
    """Replaces intrinsic functions by short text, so that policies are readable."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return argument
            if function == "Fn::GetAtt":
                return ".".join(argument)
            if function == "Fn::Join":
                return "".join(plain(part) for part in argument[1])
            if function == "Fn::ImportValue":
                return re.sub(
                    r".*ExportsOutput(?:FnGetAtt|Ref)(.*?)[0-9A-F]{8}(Arn|Collection\w+?)?[0-9A-F]{8}$",
                    r"\1.\2",
                    argument,
                )
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def statements(assembly, role: str) -> dict[str, set[str]]:
    """The permissions of a role: action -> resources."""
    allowed: dict[str, set[str]] = {}
    documents = [
        p["Properties"]["PolicyDocument"] for n, p in assembly.of_type("AWS::IAM::Policy").items() if role in n
    ]
    for name, resource in assembly.of_type("AWS::IAM::Role").items():
        if role in name:
            documents += [policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])]
    for document in documents:
        for statement in document["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, resources = plain(statement["Action"]), plain(statement["Resource"])
            for action in [actions] if isinstance(actions, str) else actions:
                allowed.setdefault(action, set()).update([resources] if isinstance(resources, str) else resources)
    return allowed


@pytest.mark.parametrize("stack", ["Foundation", "Serverless", "Wall"])
def test_the_templates_match_the_snapshot(assembly, stack, snapshot: SnapshotAssertion):
    """Read a changed snapshot like code; accept it with `pytest tests/infra --snapshot-update`."""
    template = assembly.template(stack)
    for part in ("Parameters", "Rules"):
        template.pop(part)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
        resource["Properties"].pop("Tags", None)
    masked = re.sub(r"\b[0-9a-f]{64}\b", "ASSET", json.dumps(plain(template)))
    assert yaml.safe_dump(json.loads(masked), width=116, default_flow_style=None) == snapshot


def test_photos_and_results_are_never_public(assembly):
    buckets = assembly.of_type("AWS::S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets.values():
        access = bucket["Properties"]["PublicAccessBlockConfiguration"]
        assert set(access.values()) == {True}
        assert len(access) == 4
        assert bucket["Properties"]["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_photos_and_results_are_encrypted_and_expire(assembly):
    for bucket in assembly.of_type("AWS::S3::Bucket").values():
        (encryption,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert (rule["ExpirationInDays"], rule["Status"], "Prefix" in rule) == (1, "Enabled", False)
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_every_bucket_and_queue_denies_plain_http(assembly):
    policies = [
        *assembly.of_type("AWS::S3::BucketPolicy").values(),
        *assembly.of_type("AWS::SQS::QueuePolicy").values(),
    ]
    assert len(policies) == 4
    for policy in policies:
        denials = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        (denial,) = denials
        assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert denial["Principal"] == {"AWS": "*"}


def test_only_s3_of_this_account_can_send_to_the_inbox(assembly):
    allowed = [
        statement
        for policy in assembly.of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    (s3,) = allowed
    assert s3["Principal"] == {"Service": "s3.amazonaws.com"}
    assert s3["Action"] == "sqs:SendMessage"
    assert plain(s3["Resource"]) == "PhotosInbox9ECE563D.Arn"
    assert plain(s3["Condition"]) == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_every_upload_is_announced_without_an_extra_cdk_function(assembly):
    raw = assembly.one("AWS::S3::Bucket", "Raw")
    (queue,) = raw["NotificationConfiguration"]["QueueConfigurations"]
    assert queue["Event"] == "s3:ObjectCreated:*"
    assert "Filter" not in queue
    assert "NotificationConfiguration" not in assembly.one("AWS::S3::Bucket", "Processed")
    assert not assembly.of_type("Custom::S3BucketNotifications")


def test_the_bucket_depends_on_the_queue_policy(assembly):
    """S3 sends a test message when the notification is set."""
    (raw,) = (bucket for name, bucket in assembly.of_type("AWS::S3::Bucket").items() if "Raw" in name)
    (policy,) = (name.split("/")[1] for name in assembly.of_type("AWS::SQS::QueuePolicy") if "Inbox" in name)
    assert policy in raw["DependsOn"]


def test_only_the_raw_bucket_keeps_versions_for_one_day(assembly):
    """Without NoncurrentDays, expired photos would stay behind delete markers forever."""
    raw, processed = (assembly.one("AWS::S3::Bucket", name) for name in ("Raw", "Processed"))
    assert raw["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "VersioningConfiguration" not in processed
    (hides,), (deletes,) = (bucket["LifecycleConfiguration"]["Rules"] for bucket in (raw, processed))
    assert (hides["ExpirationInDays"], hides["NoncurrentVersionExpiration"]) == (1, {"NoncurrentDays": 1})
    assert deletes["ExpirationInDays"] == 1


def test_the_annotator_may_do_exactly_what_it_does(assembly):
    own_logs = {"AnnotatorIdentityLogs390820D9.Arn"}
    results = {"PhotosProcessed.Arn/results/*"}
    pictures = {"PhotosProcessed.Arn/pictures/*"}
    collection = "arn:aws:rekognition:ap-southeast-2:111122223333:collection/Faces.CollectionId"
    assert statements(assembly, "Annotator") == {
        "logs:CreateLogStream": own_logs,
        "logs:PutLogEvents": own_logs,
        "s3:GetObject": {"PhotosRaw.Arn/*"} | results,
        "s3:GetObjectVersion": {"PhotosRaw.Arn/*"},
        "s3:ListBucket": {"PhotosRaw.Arn", "PhotosProcessed.Arn"},
        "s3:PutObject": results | pictures,
        "s3:DeleteObject": results | pictures,
        "sqs:ReceiveMessage": {"PhotosInbox.Arn"},
        "sqs:DeleteMessage": {"PhotosInbox.Arn"},
        "sqs:GetQueueAttributes": {"PhotosInbox.Arn"},
        "sqs:ChangeMessageVisibility": {"PhotosInbox.Arn"},
        **{f"rekognition:{call}Faces": {collection} for call in ("Index", "List", "Delete")},
    }


def test_every_policy_names_complete_arns(assembly):
    """IAM rejects anything else, and the ARN in the answer to CreateCollection is incomplete."""
    for role in ("Annotator", "Faces", "S3AutoDelete"):
        for resources in statements(assembly, role).values():
            for resource in resources:
                assert resource.startswith("arn:") or ".Arn" in resource, resource


def test_the_collection_is_deleted_before_its_delete_permission(assembly):
    (collection,) = assembly.of_type("Custom::RekognitionCollection").values()
    (policy,) = (name.split("/")[1] for name in assembly.of_type("AWS::IAM::Policy") if "Faces" in name)
    assert policy in collection["DependsOn"]


def test_cloudformation_waits_minutes_for_a_lost_answer(assembly):
    provider = assembly.one("AWS::Lambda::Function", "FacesProvider")
    patience = int(assembly.one("Custom::RekognitionCollection")["ServiceTimeout"])
    assert provider["Timeout"] < patience <= 600


def test_the_custom_resource_can_touch_only_its_stacks_collections(assembly):
    own_logs = {"FacesIdentityLogsA6265F9F.Arn"}
    family = {f"{FACES}.*"}
    assert statements(assembly, "Faces") == {
        "logs:CreateLogStream": own_logs,
        "logs:PutLogEvents": own_logs,
        **{
            f"rekognition:{call}": family
            for call in (
                "CreateCollection",
                "DescribeCollection",
                "DeleteCollection",
                "ListTagsForResource",
                "TagResource",
                "UntagResource",
            )
        },
    }
    assert assembly.one("Custom::RekognitionCollection")["CollectionId"] == "ShowYourEmotions-simon-Foundation.faces"


def test_no_role_has_a_managed_policy_or_a_wildcard(assembly):
    roles = assembly.of_type("AWS::IAM::Role")
    assert len(roles) == 3
    for name, role in roles.items():
        assert "ManagedPolicyArns" not in role["Properties"], name
        allowed = statements(assembly, re.sub(r".*/|Role.*", "", name))
        assert allowed, name
        for action, resources in allowed.items():
            assert "*" not in action
            assert "*" not in resources, f"{name}: {action}"


def test_no_role_may_create_a_log_group(assembly):
    assert "CreateLogGroup" not in json.dumps(assembly.resources)


def test_time_outs_and_tries_suffice_for_a_photo(assembly):
    function = assembly.one("AWS::Lambda::Function", "Annotator")
    inbox = assembly.one("AWS::SQS::Queue", "Inbox")
    dead_letters = assembly.one("AWS::SQS::Queue", "DeadLetters")
    assert inbox["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert inbox["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert dead_letters["MessageRetentionPeriod"] > inbox["MessageRetentionPeriod"]


def test_the_event_source_limits_concurrency_not_the_function(assembly):
    """A new account has 10 concurrent executions in all, so reserving any makes the deployment fail."""
    mapping = assembly.one("AWS::Lambda::EventSourceMapping")
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 6}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    for function in assembly.of_type("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function["Properties"]


def test_one_photo_per_invocation(assembly):
    """A photo that crashes the function affects no other photo."""
    assert assembly.one("AWS::Lambda::EventSourceMapping")["BatchSize"] == 1


def test_a_new_account_allows_the_functions_memory(assembly):
    for function in assembly.of_type("AWS::Lambda::Function").values():
        assert function["Properties"].get("MemorySize", 128) <= NEW_ACCOUNT_MEMORY


def test_the_image_matches_the_functions_architecture(assembly):
    """A mismatch synthesises without an error and fails at the first photo (aws/aws-cdk #31048)."""
    (image,) = assembly.images()
    assert assembly.one("AWS::Lambda::Function", "Annotator")["Architectures"] == ["x86_64"]
    assert image["platform"] == "linux/amd64"


def test_failed_photos_raise_an_alarm(assembly):
    alarm = assembly.one("AWS::CloudWatch::Alarm")
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [dead_letter_id(assembly), "QueueName"]}}
    ]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert "emotions why" in alarm["AlarmDescription"]


def dead_letter_id(assembly) -> str:
    (name,) = (name for name in assembly.of_type("AWS::SQS::Queue") if "DeadLetters" in name)
    return name.split("/")[1]


def test_resources_with_data_keep_their_logical_ids(assembly):
    """A new logical id replaces the resource, and its data is lost."""
    assert {
        "Foundation/PhotosRaw6DCB45E6",
        "Foundation/PhotosProcessedFE5A12A9",
        "Foundation/PhotosInbox9ECE563D",
        "Foundation/PhotosDeadLettersDBD2E7C6",
        "Foundation/Faces740F12D8",
    } <= assembly.resources.keys()


def test_only_the_collection_has_a_fixed_name(assembly):
    """A fixed name would clash with another attendee's in the same account."""
    fixed = {"BucketName", "QueueName", "FunctionName", "RoleName", "LogGroupName", "AlarmName"}
    for name, resource in assembly.resources.items():
        if resource["Type"].startswith("AWS::") and resource["Type"] != "AWS::Lambda::EventSourceMapping":
            assert not fixed & resource["Properties"].keys(), name


UNTAGGABLE = {
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::IAM::Policy",
    "Custom::S3AutoDeleteObjects",
}


def test_every_resource_is_tagged_with_workshop_and_attendee(assembly):
    for name, resource in assembly.resources.items():
        if resource["Type"] in UNTAGGABLE:
            continue
        tags = resource["Properties"]["Tags"]
        tags = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        assert tags.items() >= {"workshop": "show-your-emotions", "attendee": "simon"}.items(), name


def test_stack_outputs_give_all_names_and_the_next_step(assembly):
    foundation, serverless = (assembly.template(stack)["Outputs"] for stack in ("Foundation", "Serverless"))
    assert foundation.keys() >= {
        "RawBucket",
        "ProcessedBucket",
        "CollectionId",
        "InboxUrl",
        "DeadLetterQueueUrl",
        "YourNextStep",
    }
    assert serverless.keys() == {"FunctionName", "LogGroupName", "YourNextStep"}
    assert serverless["YourNextStep"]["Value"] == "emotions --attendee simon send YOUR-PHOTO.jpg"
    for outputs in (foundation, serverless):
        assert max(outputs) == "YourNextStep"  # the CDK CLI sorts them by name


def test_every_setting_reaches_its_resource(another_assembly):
    function = another_assembly.one("AWS::Lambda::Function", "Annotator")
    assert function["MemorySize"] == 1024
    assert function["Environment"]["Variables"]["LONG_EDGE"] == "0"
    assert another_assembly.one("AWS::Lambda::EventSourceMapping")["ScalingConfig"] == {"MaximumConcurrency": 3}
    for bucket in another_assembly.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert rule["ExpirationInDays"] == 7
    for name, resource in another_assembly.resources.items():
        if resource["Type"] not in UNTAGGABLE:
            tags = resource["Properties"]["Tags"]
            tags = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            assert tags.items() >= {"workshop": "show-your-emotions", "attendee": "simon-2", "team": "cloud"}.items(), (
                name
            )


def test_the_inbox_keeps_a_message_as_long_as_the_photo(another_assembly):
    day = 24 * 3600
    assert another_assembly.one("AWS::SQS::Queue", "Inbox")["MessageRetentionPeriod"] > 7 * day


def test_queue_retention_stays_within_14_days():
    photos = PhotoStore(Stack(), "Photos", keep_days=365, processing_timeout=Duration.seconds(30))
    inbox, dead_letters = (
        queue.node.default_child.message_retention_period for queue in (photos.inbox, photos.dead_letters)
    )
    assert inbox < dead_letters <= 14 * 24 * 3600


def test_arm64_applies_to_the_function_and_its_image(another_assembly):
    (image,) = another_assembly.images()
    assert another_assembly.one("AWS::Lambda::Function", "Annotator")["Architectures"] == ["arm64"]
    assert image["platform"] == "linux/arm64"


def test_two_attendees_share_no_collection_name(assembly, another_assembly):
    collections = [a.one("Custom::RekognitionCollection")["CollectionId"] for a in (assembly, another_assembly)]
    assert collections == ["ShowYourEmotions-simon-Foundation.faces", "ShowYourEmotions-simon-2-Foundation.faces"]
    (family,) = statements(another_assembly, "Faces")["rekognition:DeleteCollection"]
    assert "ShowYourEmotions-simon-2-Foundation.*" in family


def test_the_assets_contain_only_what_runs(assembly):
    """Byte code would change the hash, and with it every deployment."""
    from annotator import handler  # noqa: F401 - the import could write byte code next to the source

    provider = assembly.asset_files("lifecycle.py")
    assert provider == {"face_collection/__init__.py", "face_collection/handler.py", "face_collection/lifecycle.py"}
    image = assembly.asset_files("Dockerfile")
    assert {"Dockerfile", "requirements.txt", "annotator/handler.py", "annotator/result.schema.json"} <= image
    assert {file.rpartition(".")[2] for file in image} <= {"py", "json", "txt", "Dockerfile", "dockerignore"}


def test_what_editors_and_systems_leave_behind_is_not_deployed(tmp_path, monkeypatch):
    """A .DS_Store or a swap file would change the asset's hash, and with it every deployment."""
    copy = tmp_path / "lambda"
    shutil.copytree(PROJECT / "lambda", copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("infra.face_collection.HANDLER", copy / "face_collection")
    monkeypatch.setattr("infra.photo_annotator.IMAGE", copy / "photo_annotator")

    def assets(folder: str) -> set[str]:
        deployed = synthesise(tmp_path / folder, {}, nag=False)
        return {asset.name for asset in deployed.folder.glob("asset.*")}

    clean = assets("clean")
    for code in (copy / "face_collection" / "face_collection", copy / "photo_annotator" / "annotator"):
        (code / ".mypy_cache").mkdir()
        for junk in (".DS_Store", "._handler.py", ".handler.py.swp", "handler.py~", ".mypy_cache/handler.json"):
            (code / junk).touch()
        (code / "__pycache__").mkdir()
        (code / "__pycache__" / "handler.cpython-313.pyc").touch()
    assert assets("untidy") == clean


@pytest.fixture
def careful_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_lambda_can_read_code_from_a_private_checkout(careful_umask, tmp_path, monkeypatch):
    """The zip keeps file modes, and Lambda runs as another user. The checkout itself must not change."""
    folder = tmp_path / "code" / "face_collection"
    file = folder / "handler.py"
    folder.mkdir(parents=True)
    file.touch()
    (folder / ".#handler.py").symlink_to("me@here.1234")  # an Emacs lock: a broken link
    monkeypatch.setattr("infra.face_collection.HANDLER", folder.parent)
    app = App(outdir=str(tmp_path / "cdk.out"))
    FaceCollection(Stack(app, "Stack"), "Faces", tags={})
    (staged,) = (tmp_path / "cdk.out").glob("asset.*/face_collection/*")
    assert (staged.name, staged.stat().st_mode & 0o777) == ("handler.py", 0o644)
    assert [path.stat().st_mode & 0o777 for path in (folder, file)] == [0o700, 0o600]
