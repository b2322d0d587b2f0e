"""What Create, Update and Delete mean for a Rekognition collection. Each is safe to repeat."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

OWNER_TAG: Final = "show-your-emotions:stack"
"""The tag whose value is the id of the stack that created the collection."""


class NotOurs(Exception):
    """A collection of that name exists that this stack did not create."""


def create(
    rekognition: RekognitionClient, collection_id: str, stack_id: str, tags: Mapping[str, str], patience: float = 0.0
) -> dict[str, str]:
    """Creates the collection, or finds the one that this stack created and updates its tags; returns its attributes.

    Retries for `patience` seconds while a permission is missing. Raises NotOurs for any other collection of that
    name, because adopting it would mean deleting it with the stack.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _create(rekognition, collection_id, stack_id, tags)
        except rekognition.exceptions.AccessDeniedException:
            if time.monotonic() >= deadline:
                raise
        time.sleep(2)


def _create(
    rekognition: RekognitionClient, collection_id: str, stack_id: str, tags: Mapping[str, str]
) -> dict[str, str]:
    tags = {**tags, OWNER_TAG: stack_id}
    try:
        rekognition.create_collection(CollectionId=collection_id, Tags=tags)
    except rekognition.exceptions.ResourceAlreadyExistsException:
        attributes = _describe(rekognition, collection_id)
        present = _tags_of(rekognition, attributes)
        if present.get(OWNER_TAG) != stack_id:
            raise NotOurs(
                f"A Rekognition collection named {collection_id} already exists, created by "
                f"{present.get(OWNER_TAG, 'something else')}. "
                f"If it is not needed: aws rekognition delete-collection --collection-id {collection_id}"
            ) from None
        if outdated := [name for name in present if name not in tags]:
            rekognition.untag_resource(ResourceArn=attributes["CollectionArn"], TagKeys=outdated)
        rekognition.tag_resource(ResourceArn=attributes["CollectionArn"], Tags=tags)
        return attributes
    # CreateCollection's own answer omits the `arn:` of the ARN (aws/aws-sdk-js-v3 #6704).
    return _describe(rekognition, collection_id)


def delete(rekognition: RekognitionClient, collection_id: str, stack_id: str) -> None:
    """Deletes the collection with all its faces, if it exists and this stack created it.

    DeleteCollection "removes all faces in the collection" (Rekognition API reference).
    """
    with contextlib.suppress(rekognition.exceptions.ResourceNotFoundException):
        if _tags_of(rekognition, _describe(rekognition, collection_id)).get(OWNER_TAG) == stack_id:
            rekognition.delete_collection(CollectionId=collection_id)


def _describe(rekognition: RekognitionClient, collection_id: str) -> dict[str, str]:
    """The attributes that a template can read with `Fn::GetAtt`."""
    answer = rekognition.describe_collection(CollectionId=collection_id)
    return {
        "CollectionId": collection_id,
        "CollectionArn": answer["CollectionARN"],
        "FaceModelVersion": answer["FaceModelVersion"],
    }


def _tags_of(rekognition: RekognitionClient, attributes: Mapping[str, str]) -> dict[str, str]:
    return rekognition.list_tags_for_resource(ResourceArn=attributes["CollectionArn"])["Tags"]
