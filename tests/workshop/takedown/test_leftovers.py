"""Looking round: everything of ours is seen, whatever kind it is, nothing of a neighbour's, and each command works."""

import json
import shlex
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.workshop.answering import Answering, account_with, refusal
from tests.workshop.attendee import REGION, Attendee
from workshop.aws.account import Account
from workshop.takedown.footprint import KIND_OF, Footprint, Thing, footprint_of
from workshop.takedown.leftovers import Leftover, leftovers, remove_uploads, still_there

pytestmark = pytest.mark.slow

NAMES = "ShowYourEmotions-simon-Foundation"

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
MANAGED = "arn:aws:iam::aws:policy/AWSLambdaExecute"

# One of each kind, all of which refuse to go with their stack.
CLINGING: dict[str, Any] = {
    "Raw": {"Type": "AWS::S3::Bucket"},
    "Inbox": {"Type": "AWS::SQS::Queue"},
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "door", "ProtocolType": "HTTP"}},
    "Failed": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent", "Statistic": "Sum", "Period": 60,
            "Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold",
        },
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "ManagedPolicyArns": [MANAGED],
            "Policies": [{"PolicyName": "Inline", "PolicyDocument": POLICY}],
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13", "Handler": "index.handle", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handle(event, context): pass"},
        },
    },
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Inbox", "Arn"]}},
    },
}  # fmt: skip


def tagged(attendee: str, resources: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    """A template whose bucket and queue carry the workshop's tags; `keep` retains everything after a delete."""
    tags = [{"Key": "workshop", "Value": "show-your-emotions"}, {"Key": "attendee", "Value": attendee}]
    template = json.loads(json.dumps({"Resources": resources, "Outputs": {"Nothing": {"Value": "x"}}}))
    for name in ("Raw", "Inbox"):
        if name in template["Resources"]:
            template["Resources"][name].setdefault("Properties", {})["Tags"] = tags
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Retain" if keep else "Delete"
    return dict(template)


@pytest.fixture
def simon(attendee: Attendee, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Simon's view of an account with the CDK's bootstrap storage."""
    for name, value in attendee.environment.items():
        monkeypatch.setenv(name, value)
    attendee.client("s3").create_bucket(
        Bucket=asset_bucket(attendee), CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    attendee.client("s3").put_bucket_versioning(
        Bucket=asset_bucket(attendee), VersioningConfiguration={"Status": "Enabled"}
    )
    attendee.client("ecr").create_repository(repositoryName=repository(attendee))
    return Account.open("simon")


def asset_bucket(attendee: Attendee) -> str:
    return f"cdk-hnb659fds-assets-{attendee.account}-{REGION}"


def repository(attendee: Attendee) -> str:
    return f"cdk-hnb659fds-container-assets-{attendee.account}-{REGION}"


def push(attendee: Attendee, tag: str, to: str | None = None) -> None:
    config = {"digest": f"sha256:{tag}", "size": 1, "mediaType": "application/vnd.docker.container.image.v1+json"}
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    attendee.client("ecr").put_image(
        repositoryName=to or repository(attendee), imageTag=tag, imageManifest=json.dumps(manifest)
    )


def upload(attendee: Attendee, key: str, body: bytes = b"zip") -> None:
    attendee.client("s3").put_object(Bucket=asset_bucket(attendee), Key=key, Body=body)


def pushed(attendee: Attendee) -> set[str]:
    listed = attendee.client("ecr").list_images(repositoryName=repository(attendee))["imageIds"]
    return {image["imageTag"] for image in listed}


def uploaded(attendee: Attendee) -> set[str]:
    """The keys that have any version at all."""
    listed = attendee.client("s3").list_object_versions(Bucket=asset_bucket(attendee))
    return {each["Key"] for each in (*listed.get("Versions", []), *listed.get("DeleteMarkers", []))}


def running(tag: str, *, zip_key: str | None = None) -> dict[str, Any]:
    """A function as CDK's templates name its code; only the template matters here."""
    uri = f"111122223333.dkr.ecr.{REGION}.amazonaws.com/cdk-hnb659fds-container-assets-111122223333-{REGION}:{tag}"
    code = {"ImageUri": uri, "S3Key": zip_key or ""}
    return {"Logs": {"Type": "AWS::Logs::LogGroup", "Metadata": code}, "Inbox": CLINGING["Inbox"]}


def paste(attendee: Attendee, command: str) -> None:
    """Do what the AWS CLI would do with this command line, with boto3 and its own names for the options."""
    for part in command.split(" && "):
        _, service, operation, *rest = shlex.split(part)
        if (service, operation) == ("s3", "rb"):
            bucket = (
                rest[-1] if rest[-1].startswith("s3://") else next(each for each in rest if each.startswith("s3://"))
            )
            attendee.client("s3").delete_bucket(Bucket=bucket.removeprefix("s3://"))
            continue
        client = attendee.client("s3" if service == "s3api" else service)
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[operation.replace("-", "_")]
        ).input_shape
        members = {"--" + xform_name(name, "-"): name for name in shape.members}
        parameters: dict[str, Any] = {}
        for option, value in zip(rest[::2], rest[1::2], strict=True):
            if option == "--region":
                assert value == REGION
                continue
            name = members[option]
            if shape.members[name].type_name == "list":
                parameters[name] = [dict([value.split("=", 1)])] if "=" in value else [value]
            else:
                parameters[name] = value
        getattr(client, operation.replace("-", "_"))(**parameters)


def kinds(left: list[Leftover]) -> list[str]:
    return sorted({each.kind for each in left})


def test_each_leftover_is_found_and_its_command_removes_it(attendee: Attendee, simon: Account):
    attendee.deploy("Foundation", tagged("simon", CLINGING, keep=True), name="simon")
    tags = {"workshop": "show-your-emotions", "attendee": "simon"}
    attendee.client("rekognition").create_collection(CollectionId=f"{NAMES}.faces", Tags=tags)
    before = footprint_of(simon)
    attendee.client("cloudformation").delete_stack(StackName=NAMES)
    attendee.client("logs").create_log_group(
        logGroupName=next(f"/aws/lambda/{thing.name}" for thing in before.things if thing.kind == "function")
    )
    upload(attendee, "a" * 64 + ".json", json.dumps(tagged("simon", running("b" * 64), keep=False)).encode())
    upload(attendee, "a" * 64 + ".json", json.dumps(tagged("simon", running("b" * 64), keep=False)).encode())
    push(attendee, "b" * 64)
    after = footprint_of(simon)
    left = leftovers(simon, after)
    assert kinds(left) == sorted({*KIND_OF.values(), "asset", "image"})
    assert len([each for each in left if each.kind == "log group"]) == 2
    for each in left:
        paste(attendee, each.remove)
    assert leftovers(simon, after) == []


def test_a_stack_that_is_still_there_is_the_first_thing_to_remove(attendee: Attendee, simon: Account):
    attendee.deploy("Foundation", tagged("simon", CLINGING, keep=False), name="simon")
    first, *_ = leftovers(simon, footprint_of(simon))
    assert (first.kind, first.name) == ("stack", NAMES)
    assert first.remove == f"aws cloudformation delete-stack --stack-name {NAMES} --region {REGION}"


def test_a_neighbour_whose_name_begins_alike_is_not_looked_at(attendee: Attendee, simon: Account):
    """simon-2, and an attendee whose name is simon's stack name."""
    neighbours = {"Raw": CLINGING["Raw"], "Inbox": CLINGING["Inbox"], "Logs": CLINGING["Logs"]}
    attendee.deploy("Foundation", tagged("simon-2", neighbours, keep=False), name="simon-2")
    attendee.deploy("Foundation", tagged("simon-foundation", neighbours, keep=False), name="simon-foundation")
    attendee.deploy("Foundation-2", tagged("other", neighbours, keep=False), name="simon")
    attendee.client("rekognition").create_collection(CollectionId="ShowYourEmotions-simon-2-Foundation.faces")
    attendee.client("rekognition").create_collection(CollectionId=f"{NAMES}-2.faces")
    attendee.client("logs").create_log_group(logGroupName="/aws/lambda/ShowYourEmotions-simon-2-Foundation-Handler")
    upload(attendee, "c" * 64 + ".json", json.dumps(tagged("simon-2", running("d" * 64), keep=False)).encode())
    upload(attendee, "not-a-template.json", b"[1, 2")
    push(attendee, "d" * 64)
    footprint = footprint_of(simon)
    assert leftovers(simon, footprint) == []
    remove_uploads(simon, footprint)
    assert uploaded(attendee) == {"c" * 64 + ".json", "not-a-template.json"}
    assert pushed(attendee) == {"d" * 64}


def test_a_collection_without_our_tags_is_not_ours(attendee: Attendee, simon: Account):
    """The stack rejects such a collection, and so must the search; simon-2's own tags are not simon's."""
    tags = {"workshop": "show-your-emotions", "attendee": "simon"}
    for number, others in enumerate(({}, {"workshop": "another"}, {"attendee": "simon-2"})):
        theirs = tags | others if others else {"attendee": "simon"}
        attendee.client("rekognition").create_collection(CollectionId=f"{NAMES}.faces-{number}", Tags=theirs)
    footprint = footprint_of(simon)
    assert len([thing for thing in footprint.things if thing.kind == "collection"]) == 3
    assert leftovers(simon, footprint) == []


def test_an_image_that_a_neighbours_function_runs_stays(attendee: Attendee, simon: Account):
    """The same code has the same hash, and a function whose image is gone fails."""
    mine, ours = "a" * 64, "b" * 64
    attendee.deploy("Serverless", tagged("simon-2", running(ours, zip_key=f"{ours}.zip"), keep=False), name="simon-2")
    for tag in (mine, ours):
        push(attendee, tag)
        upload(attendee, f"{tag}.zip")
        document = tagged("simon", running(tag, zip_key=f"{tag}.zip"), keep=False)
        upload(attendee, f"{tag[::-1][:63]}0.json", json.dumps(document).encode())
    footprint = footprint_of(simon)
    assert footprint.used_by_others == {Thing("image", ours), Thing("asset", f"{ours}.zip")}
    removed: list[Thing] = []
    remove_uploads(simon, footprint, removed.append)
    names = [mine, f"{mine}.zip", f"{mine[1:]}0.json", f"{ours[1:]}0.json"]
    assert [thing.name for thing in removed] == names, "templates last: only they name the rest"
    assert pushed(attendee) == {ours}
    assert uploaded(attendee) == {f"{ours}.zip"}
    assert leftovers(simon, footprint) == []


def test_an_image_that_our_function_still_uses_is_not_removed(attendee: Attendee, simon: Account):
    """A destroy that failed must not break what it left standing."""
    tag = "a" * 64
    attendee.deploy("Serverless", tagged("simon", running(tag), keep=False), name="simon")
    push(attendee, tag)
    footprint = footprint_of(simon)
    remove_uploads(simon, footprint)
    assert pushed(attendee) == {tag}
    assert "image" in kinds(leftovers(simon, footprint))


@pytest.mark.parametrize("deployed", [True, False], ids=["deployed", "only uploaded"])
def test_a_bootstrap_with_a_qualifier_of_its_own_is_looked_at(
    attendee: Attendee, simon: Account, monkeypatch: pytest.MonkeyPatch, deployed: bool
):
    """Organisations choose one. The template of a stack names it; where no stack is known, cdk.json does."""
    tag, bucket = "a" * 64, asset_bucket(attendee).replace("hnb659fds", "acme")
    s3, ecr = attendee.client("s3"), attendee.client("ecr")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    ecr.create_repository(repositoryName=repository(attendee).replace("hnb659fds", "acme"))
    template = json.loads(json.dumps(tagged("simon", running(tag), keep=False)).replace("hnb659fds", "acme"))
    for name, body in ((f"{tag}.json", json.dumps(template).encode()), ("theirs.json", b"{}")):
        s3.put_object(Bucket=bucket, Key=name, Body=body)
    push(attendee, tag, repository(attendee).replace("hnb659fds", "acme"))
    if deployed:
        attendee.deploy("Serverless", template, name="simon")
        attendee.client("cloudformation").delete_stack(StackName="ShowYourEmotions-simon-Serverless")
    else:
        monkeypatch.setattr("workshop.takedown.footprint.bootstrap_qualifier", lambda: "acme")
    footprint = footprint_of(simon)
    left = leftovers(simon, footprint)
    assert kinds(left) == ["asset", "image"]
    assert all("cdk-acme-" in each.remove for each in left)
    remove_uploads(simon, footprint)
    assert leftovers(simon, footprint) == []
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["theirs.json"]


def test_the_image_of_an_earlier_deploy_is_ours_as_well(attendee: Attendee, simon: Account):
    """Step 6 changes the function's code: the first image is named only by a template that no stack has any more."""
    earlier, now = "a" * 64, "b" * 64
    for tag in (earlier, now):
        push(attendee, tag)
        upload(attendee, f"{tag[:63]}0.json", json.dumps(tagged("simon", running(tag), keep=False)).encode())
    attendee.deploy("Serverless", tagged("simon", running(now), keep=False), name="simon")
    attendee.client("cloudformation").delete_stack(StackName="ShowYourEmotions-simon-Serverless")
    remove_uploads(simon, footprint_of(simon))
    assert pushed(attendee) == set()
    assert uploaded(attendee) == set()


def test_a_bucket_of_no_stack_is_found_by_its_tags(attendee: Attendee, simon: Account):
    s3 = attendee.client("s3")
    for bucket, workshop, name in (
        ("replaced-by-an-update", "show-your-emotions", "simon"),
        ("of-another-workshop", "another", "simon"),
        ("of-another-simon", "show-your-emotions", "simon-2"),
    ):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        tags = [{"Key": "workshop", "Value": workshop}, {"Key": "attendee", "Value": name}]
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    (left,) = leftovers(simon, footprint_of(simon))
    assert left == Leftover(
        "bucket", "replaced-by-an-update", f"aws s3 rb --force s3://replaced-by-an-update --region {REGION}"
    )


def test_an_account_that_was_never_bootstrapped_has_nothing_left(attendee: Attendee, monkeypatch: pytest.MonkeyPatch):
    for name, value in attendee.environment.items():
        monkeypatch.setenv(name, value)
    account = Account.open("simon")
    footprint = footprint_of(account)
    assert leftovers(account, footprint) == []
    remove_uploads(account, footprint)


def test_what_goes_a_moment_later_is_waited_for(attendee: Attendee, simon: Account):
    """A deleted queue answers for up to a minute more."""
    url = attendee.client("sqs").create_queue(QueueName="going")["QueueUrl"]
    footprint = Footprint(attendee.account, REGION, frozenset({Thing("queue", url)}))
    reported: list[list[Thing]] = []

    def delete(left: list[Thing]) -> None:
        reported.append(left)
        attendee.client("sqs").delete_queue(QueueUrl=url)

    assert leftovers(simon, footprint, patience=30, on_wait=delete) == []
    assert [each.name for each in reported[0]] == [url]


def still_there_of(thing: Thing, **clients: Answering) -> frozenset[Thing]:
    return still_there(account_with(**clients), Footprint("111122223333", REGION, frozenset({thing})), [thing])


@pytest.mark.parametrize("code", ["403", "404"])
def test_a_bucket_that_now_belongs_to_others_is_not_ours(code: str):
    assert not still_there_of(Thing("bucket", "photos"), s3=Answering(refusal(code)))


def test_a_log_group_whose_name_only_begins_alike_is_not_left():
    """CloudWatch Logs looks names up by their beginning."""
    logs = Answering({"logGroups": [{"logGroupName": "annotator-2"}]})
    assert not still_there_of(Thing("log group", "annotator"), logs=logs)
    assert still_there_of(Thing("log group", "annotator-2"), logs=logs)


def test_an_access_error_never_counts_as_deleted():
    with pytest.raises(ClientError):
        still_there_of(Thing("function", "annotator"), **{"lambda": Answering(refusal("AccessDeniedException"))})


def test_a_role_deleted_during_the_search_is_no_error():
    """IAM is eventually consistent: GetRole may know a role whose policies are gone already."""

    def answer(operation: str, _asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "get_role":
            return {"Role": {}}
        raise refusal("NoSuchEntity")

    footprint = Footprint("111122223333", REGION, frozenset({Thing("role", "Annotator")}))
    assert leftovers(account_with(iam=Answering(answer)), footprint) == [
        Leftover("role", "Annotator", "aws iam delete-role --role-name Annotator")
    ]
