"""What Create, Update and Delete mean for a Rekognition collection; each is safe to repeat."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

OWNER_TAG: Final = "show-your-emotions:stack"
"""The tag whose value is the id of the stack that made the collection."""


PROPAGATION: Final = (1, 2, 4, 8, 16)
"""Seconds between one refused try and the next of a role that has just been made: CloudFormation calls as soon as its
policy exists, and not all of IAM has heard of it by then (aws/aws-cdk #37675)."""


class NotOurs(Exception):
    """A collection of that name exists and another stack, or a person, made it."""


@dataclass(frozen=True)
class Collection:
    """A collection as CloudFormation's `Fn::GetAtt` shows it."""

    id: str
    arn: str
    face_model_version: str


def create(
    rekognition: RekognitionClient,
    collection_id: str,
    stack_id: str,
    tags: Mapping[str, str],
    patience: Sequence[float] = (),
) -> Collection:
    """Makes the collection, or finds the one that this stack has made already and gives it these tags.

    `patience` holds the seconds to wait before asking again after each refusal for want of a permission.
    Raises NotOurs for a collection that was there before: adopting it would mean deleting it with the stack.
    """
    for wait in patience:
        try:
            return _created(rekognition, collection_id, stack_id, tags)
        except rekognition.exceptions.AccessDeniedException:
            time.sleep(wait)
    return _created(rekognition, collection_id, stack_id, tags)


def _created(rekognition: RekognitionClient, collection_id: str, stack_id: str, tags: Mapping[str, str]) -> Collection:
    try:
        rekognition.create_collection(CollectionId=collection_id, Tags={**tags, OWNER_TAG: stack_id})
    except rekognition.exceptions.ResourceAlreadyExistsException:
        owner = _tags_of(rekognition, _describe(rekognition, collection_id).arn).get(OWNER_TAG)
        if owner != stack_id:
            raise NotOurs(
                f"A Rekognition collection named {collection_id} exists already and is {owner or 'nobody'}'s. "
                f"If nobody needs it: aws rekognition delete-collection --collection-id {collection_id}"
            ) from None
        _retag(rekognition, collection_id, stack_id, tags)
    # CreateCollection's own answer spells the ARN without its `arn:` (aws/aws-sdk-js-v3 #6704).
    return _describe(rekognition, collection_id)


def delete(rekognition: RekognitionClient, collection_id: str, stack_id: str) -> None:
    """Deletes the collection with all its faces, if there is one and it is this stack's.

    DeleteCollection "removes all faces in the collection" (Rekognition API reference), so nothing is emptied first.
    """
    with contextlib.suppress(rekognition.exceptions.ResourceNotFoundException):
        collection = _describe(rekognition, collection_id)
        if _tags_of(rekognition, collection.arn).get(OWNER_TAG) == stack_id:
            rekognition.delete_collection(CollectionId=collection_id)


def _describe(rekognition: RekognitionClient, collection_id: str) -> Collection:
    answer = rekognition.describe_collection(CollectionId=collection_id)
    return Collection(collection_id, answer["CollectionARN"], answer["FaceModelVersion"])


def _tags_of(rekognition: RekognitionClient, arn: str) -> dict[str, str]:
    return rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]


def _retag(rekognition: RekognitionClient, collection_id: str, stack_id: str, tags: Mapping[str, str]) -> None:
    """Gives a collection of ours exactly these tags, and the owner's; AWS's own stay."""
    arn = _describe(rekognition, collection_id).arn
    wanted = {**tags, OWNER_TAG: stack_id}
    present = {name: value for name, value in _tags_of(rekognition, arn).items() if not name.startswith("aws:")}
    if outdated := [name for name in present if name not in wanted]:
        rekognition.untag_resource(ResourceArn=arn, TagKeys=outdated)
    if missing := {name: value for name, value in wanted.items() if present.get(name) != value}:
        rekognition.tag_resource(ResourceArn=arn, Tags=missing)
