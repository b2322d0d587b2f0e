"""The operations: they take a checked request and return Rekognition's answer. No HTTP here."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from local_aws.rekognition.collection import (
    FACE_MODEL_VERSION,
    Collections,
    Place,
    StoredFace,
    face_id,
    image_id,
    page,
)
from local_aws.rekognition.eyes import Sight
from local_aws.rekognition.face_detail import bounding_box, face_detail, fractions
from local_aws.rekognition.looking import SeenFace, look
from local_aws.rekognition.pictures import pixels_of
from local_aws.rekognition.quality import Level, Measures, measure, reasons_against
from local_aws.rekognition.refusal import invalid_parameter
from local_aws.rekognition.s3_objects import Caller, S3Objects

MOST_FACES_INDEXED = 100
"""IndexFaces "returns no more than 100 detected faces in an image, even if you specify a larger value"."""
PICTURES_REMEMBERED = 128
"""The number of analysed pictures that are cached."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the caller, the account and region, and the parameters."""

    caller: Caller
    place: Place
    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """One analysed picture: its size in pixels and its faces with their measures, largest first."""

    width: int
    height: int
    faces: tuple[tuple[SeenFace, Measures], ...]


class Rekognition:
    """All operations of one server; `named` has them by name. Thread-safe."""

    def __init__(self, sight: Sight, objects: S3Objects, collections: Collections | None = None) -> None:
        self._sight = sight
        self._objects = objects
        self._collections = collections or Collections()
        self._scenes: OrderedDict[bytes, Scene] = OrderedDict()
        self._looking = threading.Lock()

    @property
    def named(self) -> dict[str, Callable[[Call], Answer]]:
        """Every operation this server knows, by Rekognition's name for it."""
        return {
            "CreateCollection": self.create_collection,
            "DeleteCollection": self.delete_collection,
            "DeleteFaces": self.delete_faces,
            "DescribeCollection": self.describe_collection,
            "DetectFaces": self.detect_faces,
            "IndexFaces": self.index_faces,
            "ListCollections": self.list_collections,
            "ListFaces": self.list_faces,
            "ListTagsForResource": self.list_tags_for_resource,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
        }

    def create_collection(self, call: Call) -> Answer:
        """CreateCollection."""
        collection = self._collections.create(call.place, call.request["CollectionId"], call.request.get("Tags", {}))
        return {
            "StatusCode": 200,
            # As in AWS: without the `arn:` that DescribeCollection has (aws/aws-sdk-js-v3 #6704).
            "CollectionArn": call.place.arn(collection.collection_id).removeprefix("arn:"),
            "FaceModelVersion": FACE_MODEL_VERSION,
        }

    def describe_collection(self, call: Call) -> Answer:
        """DescribeCollection."""
        collection = self._collections.get(call.place, call.request["CollectionId"])
        return {
            "FaceCount": len(collection.faces),
            "FaceModelVersion": FACE_MODEL_VERSION,
            "CollectionARN": call.place.arn(collection.collection_id),
            "CreationTimestamp": collection.created,
            "UserCount": 0,
        }

    def list_collections(self, call: Call) -> Answer:
        """ListCollections."""
        names = [collection.collection_id for collection in self._collections.in_place(call.place)]
        some, token = page(names, call.request.get("NextToken"), call.request.get("MaxResults"))
        return {"CollectionIds": some, "FaceModelVersions": [FACE_MODEL_VERSION] * len(some)} | _next(token)

    def delete_collection(self, call: Call) -> Answer:
        """DeleteCollection."""
        self._collections.delete(call.place, call.request["CollectionId"])
        return {"StatusCode": 200}

    def detect_faces(self, call: Call) -> Answer:
        """DetectFaces."""
        scene = self._scene(self._file(call))
        wanted = call.request.get("Attributes", ["DEFAULT"])
        return {"FaceDetails": [face_detail(face, m, scene.width, scene.height, wanted) for face, m in scene.faces]}

    def index_faces(self, call: Call) -> Answer:
        """IndexFaces."""
        request = call.request
        collection_id = request["CollectionId"]
        self._collections.get(call.place, collection_id)
        file = self._file(call)
        scene = self._scene(file)
        kept, left_out = _chosen(scene, request.get("QualityFilter", "AUTO"), request.get("MaxFaces"))
        image = image_id(call.place, file, request.get("ExternalImageId"))
        wanted = request.get("DetectionAttributes", ["DEFAULT"])

        stored = []
        records = []
        for face, measures in kept:
            box = fractions(face.box, scene.width, scene.height)
            one = StoredFace(
                face_id(image, box),
                image,
                request.get("ExternalImageId"),
                box,
                measures.confidence,
            )
            stored.append(one)
            detail = face_detail(face, measures, scene.width, scene.height, wanted)
            records.append({"Face": _metadata(one), "FaceDetail": detail})
        self._collections.add(call.place, collection_id, stored)
        return {
            "FaceRecords": records,
            "FaceModelVersion": FACE_MODEL_VERSION,
            "UnindexedFaces": [
                {
                    "Reasons": reasons,
                    "FaceDetail": face_detail(face, measures, scene.width, scene.height, wanted),
                }
                for (face, measures), reasons in left_out
            ],
        }

    def list_faces(self, call: Call) -> Answer:
        """ListFaces. Empty for a UserId, because this server has no users."""
        faces = self._collections.faces(call.place, call.request["CollectionId"])
        if "UserId" in call.request:
            faces = []
        if wanted := call.request.get("FaceIds"):
            faces = [face for face in faces if face.face_id in wanted]
        some, token = page(faces, call.request.get("NextToken"), call.request.get("MaxResults"))
        return {"Faces": [_metadata(face) for face in some], "FaceModelVersion": FACE_MODEL_VERSION} | _next(token)

    def delete_faces(self, call: Call) -> Answer:
        """DeleteFaces."""
        removed, missing = self._collections.remove(call.place, call.request["CollectionId"], call.request["FaceIds"])
        unsuccessful = [{"FaceId": face, "Reasons": ["FACE_NOT_FOUND"]} for face in missing]
        # The model requires at least one face in DeletedFaces, so omit an empty list.
        return {"UnsuccessfulFaceDeletions": unsuccessful} | ({"DeletedFaces": removed} if removed else {})

    def tag_resource(self, call: Call) -> Answer:
        """TagResource."""
        self._collections.by_arn(call.place, call.request["ResourceArn"]).tags.update(call.request["Tags"])
        return {}

    def untag_resource(self, call: Call) -> Answer:
        """UntagResource."""
        tags = self._collections.by_arn(call.place, call.request["ResourceArn"]).tags
        for key in call.request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> Answer:
        """ListTagsForResource."""
        return {"Tags": dict(self._collections.by_arn(call.place, call.request["ResourceArn"]).tags)}

    def _file(self, call: Call) -> bytes:
        """The bytes of the request's image. Both kinds of image, or neither, are invalid parameters."""
        image = call.request["Image"]
        if ("Bytes" in image) == ("S3Object" in image):
            raise invalid_parameter()
        if "Bytes" in image:
            file: bytes = image["Bytes"]
            return file
        where = image["S3Object"]
        if "Bucket" not in where or "Name" not in where:
            raise invalid_parameter()
        return self._objects.read(call.caller, where["Bucket"], where["Name"], where.get("Version"))

    def _scene(self, file: bytes) -> Scene:
        """The analysed picture. Pictures are analysed once, and one after the other."""
        digest = sha256(file).digest()
        with self._looking:
            if digest not in self._scenes:
                pixels = pixels_of(file)
                height, width, _ = pixels.shape
                faces = tuple((face, measure(face, max(width, height))) for face in look(pixels, self._sight))
                self._scenes[digest] = Scene(width, height, faces)
                if len(self._scenes) > PICTURES_REMEMBERED:
                    self._scenes.popitem(last=False)
            self._scenes.move_to_end(digest)
            return self._scenes[digest]


Rated = tuple[SeenFace, Measures]


def _chosen(scene: Scene, level: Level, most: int | None) -> tuple[list[Rated], list[tuple[Rated, list[str]]]]:
    """The faces to index, largest first, and the others with Rekognition's reasons.

    Above the limit, "Amazon Rekognition filters out the faces with the lowest quality" first, then the smallest.
    """
    kept: list[Rated] = []
    left_out: list[tuple[Rated, list[str]]] = []
    for rated in scene.faces:
        if reasons := reasons_against(rated[1], level):
            left_out.append((rated, reasons))
        else:
            kept.append(rated)
    limit = min(most or MOST_FACES_INDEXED, MOST_FACES_INDEXED)
    best_first = sorted(range(len(kept)), key=lambda at: (-kept[at][1].overall, at))
    over = sorted(best_first[limit:])
    left_out += [(kept[at], ["EXCEEDS_MAX_FACES"]) for at in over]
    return [kept[at] for at in sorted(best_first[:limit])], left_out


def _metadata(face: StoredFace) -> Answer:
    return {
        "FaceId": face.face_id,
        "BoundingBox": bounding_box(face.box),
        "ImageId": face.image_id,
        "Confidence": face.confidence,
        "IndexFacesModelVersion": FACE_MODEL_VERSION,
    } | ({"ExternalImageId": face.external_image_id} if face.external_image_id else {})


def _next(token: str | None) -> Answer:
    return {"NextToken": token} if token else {}
