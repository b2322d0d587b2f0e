"""`cdk destroy` leaves nothing behind. Leftovers are the most common complaint about workshops of this kind."""

import pytest
from aws_cdk import App, Aspects, CfnResource, Stack
from aws_cdk import aws_lambda as lambda_

from infra.leave_nothing import LeaveNothing

DELETED_BY_DEFAULT = {
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
}
"""Types that hold no data and whose deletion policy is Delete unless a template says otherwise."""


def survivors(resources: dict[str, dict]) -> list[str]:
    """The resources that would outlive their stack or block its deletion."""
    emptied = {
        resource["Properties"]["BucketName"]["Ref"]
        for resource in resources.values()
        if resource["Type"] == "Custom::S3AutoDeleteObjects"
    }
    left = []
    for name, resource in resources.items():
        policy = resource.get("DeletionPolicy", "Delete" if resource["Type"] in DELETED_BY_DEFAULT else "unset")
        if policy != "Delete" or resource.get("UpdateReplacePolicy", "Delete") != "Delete":
            left.append(f"{name} has the deletion policy {policy}")
        if resource["Type"] == "AWS::S3::Bucket" and name.split("/")[-1] not in emptied:
            left.append(f"{name} is not emptied")
        if resource["Type"] == "AWS::Lambda::Function":
            group = resource["Properties"].get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
            owned = {other.split("/")[-1] for other, r in resources.items() if r["Type"] == "AWS::Logs::LogGroup"}
            if group not in owned:
                left.append(f"{name} writes to a log group that the stack does not own")
    return left


def test_no_resource_survives_destroy(assembly):
    assert survivors(assembly.resources) == []


def test_no_bucket_writes_access_logs(assembly):
    """A log bucket could not be emptied: access logs arrive hours late (aws/aws-cdk #21776)."""
    for bucket in assembly.of_type("AWS::S3::Bucket").values():
        assert "LoggingConfiguration" not in bucket["Properties"]


def find(resources: dict[str, dict], part: str) -> str:
    return next(name for name in resources if part in name)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda r: r["Foundation/PhotosRaw6DCB45E6"].update(DeletionPolicy="Retain"), "deletion policy Retain"),
        (lambda r: r["Foundation/Faces740F12D8"].pop("DeletionPolicy"), "deletion policy unset"),
        (lambda r: r.pop(find(r, "RawAutoDelete")), "PhotosRaw6DCB45E6 is not emptied"),
        (lambda r: r[find(r, "ProviderHandler")]["Properties"].pop("LoggingConfig"), "does not own"),
        (lambda r: r.pop(find(r, "AnnotatorIdentityLogs")), "does not own"),
    ],
)
def test_the_check_detects_survivors(assembly, spoil, says):
    resources = assembly.resources
    spoil(resources)
    assert any(says in survivor for survivor in survivors(resources))


def test_synth_fails_for_a_function_without_a_known_role():
    """No template is better than one that leaves a log group behind."""
    app = App()
    stack = Stack(app, "Odd")
    CfnResource(stack, "Bare", type="AWS::Lambda::Function", properties={"Runtime": "nodejs24.x"})
    Aspects.of(app).add(LeaveNothing())
    with pytest.raises(RuntimeError, match="give it a log group explicitly"):
        app.synth()


def test_synth_fails_for_a_function_without_a_log_group():
    app = App()
    stack = Stack(app, "Odd")
    code = lambda_.Code.from_inline("def handle(event, context): pass")
    lambda_.Function(stack, "Bare", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handle", code=code)
    Aspects.of(app).add(LeaveNothing())
    with pytest.raises(RuntimeError, match="Odd/Bare/Resource has no log group of its own; pass one"):
        app.synth()


def test_every_function_writes_to_its_own_log_group(assembly):
    for name, function in assembly.of_type("AWS::Lambda::Function").items():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].endswith(tuple("0123456789ABCDEF")), name
    assert len(assembly.of_type("AWS::Logs::LogGroup")) == len(assembly.of_type("AWS::Lambda::Function")) == 3
    assert lambda_.Runtime.PYTHON_3_13.name == assembly.one("AWS::Lambda::Function", "FacesProvider")["Runtime"]
