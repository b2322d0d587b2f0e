"""The wall's door: what its role may do, what brakes it, and what its zip holds."""

import json

from wall_door import guests

from tests.infra.test_stacks import plain

RAW, PROCESSED = "PhotosRaw.Arn", "PhotosProcessed.Arn"
COLLECTION = "arn:aws:rekognition:ap-southeast-2:111122223333:collection/Faces.CollectionId"
LOGS = "IdentityLogs8086D694.Arn"


def resources(assembly, type_: str) -> list[dict]:
    return [r["Properties"] for r in assembly.template("Wall")["Resources"].values() if r["Type"] == type_]


def permissions(assembly) -> set[tuple[str, str, tuple[str, ...]]]:
    """Each action with its resource and the prefixes that it is limited to."""
    (policy,) = resources(assembly, "AWS::IAM::Policy")
    found = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        prefixes = tuple(statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ()))
        actions, names = plain(statement["Action"]), plain(statement["Resource"])
        for action in [actions] if isinstance(actions, str) else actions:
            found |= {(action, name, prefixes) for name in ([names] if isinstance(names, str) else names)}
    return found


def test_the_door_may_do_exactly_what_it_does(assembly):
    """It cannot read a photo, nor anything that is not a guest's."""
    wall = guests.PREFIX
    assert permissions(assembly) == {
        ("s3:PutObject", f"{RAW}/{wall}*", ()),
        ("s3:DeleteObjectVersion", f"{RAW}/{wall}*", ()),
        ("s3:ListBucketVersions", RAW, (f"{wall}*",)),
        ("s3:GetObject", f"{PROCESSED}/pictures/{wall}*", ()),
        ("s3:DeleteObject", f"{PROCESSED}/pictures/{wall}*", ()),
        ("s3:GetObject", f"{PROCESSED}/results/{wall}*", ()),
        ("s3:DeleteObject", f"{PROCESSED}/results/{wall}*", ()),
        ("s3:GetObject", f"{PROCESSED}/{guests.SETTINGS_KEY}", ()),
        ("s3:PutObject", f"{PROCESSED}/{wall}taken/*", ()),
        ("s3:ListBucket", PROCESSED, (f"pictures/{wall}*", f"results/{wall}*", f"{wall}taken/*")),
        ("rekognition:ListFaces", COLLECTION, ()),
        ("rekognition:DeleteFaces", COLLECTION, ()),
        ("logs:CreateLogStream", LOGS, ()),
        ("logs:PutLogEvents", LOGS, ()),
    }


def test_every_route_is_throttled(assembly):
    """A limit that is not stated is zero, and the door would answer every guest with 429."""
    (stage,) = resources(assembly, "AWS::ApiGatewayV2::Stage")
    routes = {route["RouteKey"] for route in resources(assembly, "AWS::ApiGatewayV2::Route")}
    assert routes == {"GET /", "POST /photos", "GET /photos/{id}", "GET /photos/{id}/picture", "DELETE /photos/{id}"}
    assert stage["RouteSettings"].keys() <= routes
    for limits in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"] <= 100


def test_the_stage_waits_for_its_routes(assembly):
    """Route settings for a route that does not exist yet make the deployment fail."""
    template = assembly.template("Wall")["Resources"]
    (stage,) = (r for r in template.values() if r["Type"] == "AWS::ApiGatewayV2::Stage")
    assert {name for name, r in template.items() if r["Type"] == "AWS::ApiGatewayV2::Route"} <= set(stage["DependsOn"])


def test_only_this_api_may_call_the_door(assembly):
    (permission,) = resources(assembly, "AWS::Lambda::Permission")
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert "ApiF70053CD" in json.dumps(permission["SourceArn"])


def test_the_door_carries_only_what_it_runs(assembly):
    assert assembly.asset_files("page.html") == {
        "wall_door/__init__.py", "wall_door/cloud.py", "wall_door/door.py", "wall_door/guests.py",
        "wall_door/handler.py", "wall_door/page.html", "wall_door/page.py",
        "annotator/__init__.py", "annotator/drawing/words.py", "annotator/faces.py", "annotator/formats.py",
        "annotator/photo.py", "annotator/result.py",
    }  # fmt: skip


def test_everything_of_the_wall_is_tagged_and_goes_with_it(assembly):
    for name, resource in assembly.template("Wall")["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
        if "Tags" in resource["Properties"]:
            tags = resource["Properties"]["Tags"]
            tags = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            assert tags == {"workshop": "show-your-emotions", "attendee": "simon"}, name
    assert "CreateLogGroup" not in json.dumps(assembly.template("Wall"))
