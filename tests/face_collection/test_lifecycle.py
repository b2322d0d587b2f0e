"""Every lifecycle event, against a server with collections, in the order in which CloudFormation sends them."""

from types import SimpleNamespace

import pytest
from face_collection.handler import PROPAGATION
from face_collection.lifecycle import OWNER_TAG

from local_aws.rekognition.conditions import Fault

from .conftest import FAMILY, STACK

FACES = f"{FAMILY}.faces"


def collections(rekognition) -> list[str]:
    return rekognition.list_collections()["CollectionIds"]


def tags(rekognition, collection_id: str = FACES) -> dict[str, str]:
    arn = rekognition.describe_collection(CollectionId=collection_id)["CollectionARN"]
    return rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]


def test_create_creates_the_collection_and_returns_its_attributes(cloudformation, rekognition):
    answer = cloudformation.ask("Create")
    made = rekognition.describe_collection(CollectionId=FACES)
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == FACES
    assert answer["Data"] == {
        "CollectionId": FACES,
        "CollectionArn": made["CollectionARN"],
        "FaceModelVersion": made["FaceModelVersion"],
    }
    assert (answer["StackId"], answer["RequestId"], answer["LogicalResourceId"]) == (STACK, "r-1", "Faces740F12D8")


def test_create_tags_the_collection_with_the_workshop_and_its_stack(cloudformation, rekognition):
    cloudformation.ask("Create")
    assert tags(rekognition) == {"workshop": "show-your-emotions", "attendee": "simon", OWNER_TAG: STACK}


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Records the seconds between tries, and skips them."""
    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append, monotonic=lambda: sum(waited))
    monkeypatch.setattr("face_collection.lifecycle.time", clock)
    return waited


@pytest.mark.parametrize("call", ["CreateCollection", "DescribeCollection"])
def test_a_create_waits_for_its_permissions(cloudformation, rekognition, server, waits, call):
    """CloudFormation calls the function seconds after it creates the role."""
    server.conditions.add_fault(Fault(call, "AccessDeniedException", times=3))
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert len(waits) == 3
    assert collections(rekognition) == [FACES]


def test_a_missing_permission_is_reported_after_half_a_minute(cloudformation, server, waits):
    server.conditions.add_fault(Fault("CreateCollection", "AccessDeniedException"))
    assert "AccessDenied" in cloudformation.ask("Create")["Reason"]
    assert sum(waits) == PROPAGATION


def test_an_update_does_not_wait_for_permissions(cloudformation, server, waits):
    server.conditions.add_fault(Fault("CreateCollection", "AccessDeniedException"))
    answer = cloudformation.ask("Update", PhysicalResourceId=FACES, OldResourceProperties={})
    assert "AccessDenied" in answer["Reason"]
    assert waits == []


def test_an_update_that_fails_keeps_the_physical_id(cloudformation, server):
    """With a different one, CloudFormation would delete the collection in use."""
    server.conditions.add_fault(Fault("CreateCollection", "AccessDeniedException"))
    answer = cloudformation.ask("Update", PhysicalResourceId=FACES, OldResourceProperties={})
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", FACES)


def test_a_second_create_finds_the_collection_of_the_first(cloudformation, rekognition):
    first, second = cloudformation.ask("Create"), cloudformation.ask("Create")
    assert second == first
    assert collections(rekognition) == [FACES]


def test_an_existing_collection_is_rejected_and_left_unchanged(cloudformation, rekognition):
    rekognition.create_collection(CollectionId=FACES)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert f"named {FACES} already exists, created by something else" in answer["Reason"]
    assert f"aws rekognition delete-collection --collection-id {FACES}" in answer["Reason"]
    rolled_back = cloudformation.ask("Delete", PhysicalResourceId=answer["PhysicalResourceId"])
    assert rolled_back["Status"] == "SUCCESS"
    assert collections(rekognition) == [FACES]


def test_another_stacks_collection_is_rejected_and_left_unchanged(cloudformation, rekognition):
    rekognition.create_collection(CollectionId=FACES, Tags={OWNER_TAG: "arn:another"})
    answer = cloudformation.ask("Create")
    assert "created by arn:another" in answer["Reason"]
    cloudformation.ask("Delete", PhysicalResourceId=answer["PhysicalResourceId"])
    assert tags(rekognition) == {OWNER_TAG: "arn:another"}


def test_delete_removes_the_collection_and_is_safe_to_repeat(cloudformation, rekognition):
    cloudformation.ask("Create")
    for _ in range(2):
        assert cloudformation.ask("Delete", PhysicalResourceId=FACES)["Status"] == "SUCCESS"
        assert collections(rekognition) == []


def test_delete_of_a_missing_collection_succeeds(cloudformation, rekognition):
    assert cloudformation.ask("Delete", PhysicalResourceId=FACES)["Status"] == "SUCCESS"


def test_delete_after_a_lost_answer_removes_the_collection(cloudformation, rekognition):
    """In this case, CloudFormation chooses a physical id itself."""
    cloudformation.ask("Create")
    made_up = "ShowYourEmotions-simon-Foundation-Faces740F12D8-1A2B3C"
    answer = cloudformation.ask("Delete", PhysicalResourceId=made_up)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", made_up)
    assert collections(rekognition) == []


def test_an_update_with_the_same_id_changes_only_the_tags(cloudformation, rekognition):
    cloudformation.ask("Create")
    event = {"ResourceProperties": {"CollectionId": FACES, "Tags": {"workshop": "another", "event": "meetup"}}}
    answer = cloudformation.ask("Update", PhysicalResourceId=FACES, OldResourceProperties={}, **event)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", FACES)
    assert tags(rekognition) == {"workshop": "another", "event": "meetup", OWNER_TAG: STACK}


def test_an_update_creates_the_collection_again_if_it_was_deleted(cloudformation, rekognition):
    """Otherwise the update and its rollback would always fail."""
    cloudformation.ask("Create")
    rekognition.delete_collection(CollectionId=FACES)
    answer = cloudformation.ask("Update", PhysicalResourceId=FACES, OldResourceProperties={})
    assert answer["Status"] == "SUCCESS"
    assert tags(rekognition)[OWNER_TAG] == STACK


def test_an_update_rejects_a_collection_of_another_stack(cloudformation, rekognition):
    cloudformation.ask("Create")
    rekognition.delete_collection(CollectionId=FACES)
    rekognition.create_collection(CollectionId=FACES, Tags={OWNER_TAG: "arn:another"})
    answer = cloudformation.ask("Update", PhysicalResourceId=FACES, OldResourceProperties={})
    assert "created by arn:another" in answer["Reason"]
    cloudformation.ask("Delete", PhysicalResourceId=FACES)
    assert tags(rekognition) == {OWNER_TAG: "arn:another"}


def test_the_arn_is_complete(cloudformation):
    """The ARN in the answer to CreateCollection lacks `arn:`, and IAM rejects such an ARN in a policy."""
    assert cloudformation.ask("Create")["Data"]["CollectionArn"].startswith("arn:aws:rekognition:")


def test_a_failed_create_leaves_nothing_after_its_rollback(cloudformation, rekognition, server):
    """CloudFormation sends a Delete with the physical id of the failed Create."""
    server.conditions.add_fault(Fault("DescribeCollection", "InternalServerError", times=3))
    failed = cloudformation.ask("Create")
    assert failed["Status"] == "FAILED"
    assert collections(rekognition) == [FACES]
    rolled_back = cloudformation.ask("Delete", PhysicalResourceId=failed["PhysicalResourceId"])
    assert rolled_back["Status"] == "SUCCESS"
    assert collections(rekognition) == []


def test_a_new_id_replaces_the_collection(cloudformation, rekognition):
    cloudformation.ask("Create")
    new = f"{FAMILY}.portraits"
    answer = cloudformation.ask("Update", new, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": FACES})
    assert answer["PhysicalResourceId"] == new
    assert set(collections(rekognition)) == {FACES, new}
    cloudformation.ask("Delete", FACES, PhysicalResourceId=FACES)
    assert collections(rekognition) == [new]


@pytest.mark.parametrize("properties_are", ["old", "new"])
def test_cleanup_after_a_replacement_keeps_the_new_collection(cloudformation, rekognition, properties_are):
    cloudformation.ask("Create")
    new = f"{FAMILY}.portraits"
    cloudformation.ask("Update", new, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": FACES})
    cloudformation.ask("Delete", FACES if properties_are == "old" else new, PhysicalResourceId=FACES)
    assert collections(rekognition) == [new]


def test_a_rollback_restores_the_old_collection_with_its_faces(cloudformation, rekognition):
    """The update of another resource failed. CloudFormation swaps old and new, then deletes the new collection."""
    created = cloudformation.ask("Create")
    new = f"{FAMILY}.portraits"
    cloudformation.ask("Update", new, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": FACES})
    back = cloudformation.ask("Update", FACES, PhysicalResourceId=new, OldResourceProperties={"CollectionId": new})
    assert back["Data"] == created["Data"]
    cloudformation.ask("Delete", new, PhysicalResourceId=new)
    assert collections(rekognition) == [FACES]


def test_a_rollback_after_a_lost_answer_leaves_no_orphan(cloudformation, rekognition):
    """CloudFormation does not know the new collection, so it sends no Delete for it."""
    cloudformation.ask("Create")
    new = f"{FAMILY}.portraits"
    cloudformation.ask("Update", new, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": FACES})
    cloudformation.ask("Update", FACES, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": new})
    assert collections(rekognition) == [FACES]
