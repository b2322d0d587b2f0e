"""The function in its host, with an S3 and a Rekognition that simulate faults; no queue and no stacks."""

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from annotator.photo import Photo, pictures_folder, results_folder

from local_aws import processes
from local_aws.emulator import Emulator
from local_aws.lambda_host import LambdaHost
from local_aws.lambda_host.environment import Outcome
from local_aws.lambda_host.function import Function
from local_aws.local import PROJECT
from local_aws.rekognition import RekognitionServer
from tests.annotator.photos import announcement, message
from tests.local_aws.deployed import configuration
from tests.local_aws.rekognition.painted import PaintedSight, jpeg, picture
from tests.reliability.faulty_s3 import Fault, FaultyS3, Request

RAW, PROCESSED, COLLECTION = "raw-photos", "processed-photos", "faces-me"
ACCOUNT, REGION = "111122223333", "ap-southeast-2"

STEPS = {
    "before the photo": ("GET", RAW, "", "killed before"),
    "during the download": ("GET", RAW, "", "killed during"),
    "while Rekognition looks": ("GET", PROCESSED, "", "killed before"),
    "before the picture": ("PUT", PROCESSED, "pictures/", "killed before"),
    "between picture and result": ("PUT", PROCESSED, "pictures/", "killed after"),
    "after the result, before the look": ("PUT", PROCESSED, "results/", "killed after"),
    "after the look, before the answer": ("HEAD", RAW, "", "killed after"),
}
"""The steps at which a function can be killed: its request, and the time relative to it."""


def photo(*, left=100, size=(640, 480)) -> bytes:
    """A JPEG with one painted face."""
    return jpeg(picture((left, 100, 160, 160), size=size), quality=90)


class _NoLogs:
    def write(self, *_: object) -> None:
        """Nothing is stored."""


@dataclass
class Stage:
    """The test environment. Each of `faults` applies once, to the next matching request."""

    host: LambdaHost
    rekognition: RekognitionServer
    s3: Any
    eyes: Any
    url: str = ""
    faults: list[tuple[str, str, str, Fault]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def decide(self, request: Request) -> Fault | None:
        self.requests.append(request)
        for planned in self.faults:
            method, bucket, prefix, fault = planned
            if (request.method, request.bucket) == (method, bucket) and request.key.startswith(prefix):
                self.faults.remove(planned)
                return fault
        return None

    def plan(self, method: str, bucket: str, prefix: str, kind: Any, seconds: float = 0.0, times: int = 1) -> None:
        self.faults += [(method, bucket, prefix, Fault(kind, seconds))] * times

    def put(self, body: bytes, key: str = "me.jpg") -> dict[str, Any]:
        """Upload a photo, and return the message with its event."""
        stored = self.s3.put_object(Bucket=RAW, Key=key, Body=body)
        photo = Photo(RAW, key, stored["VersionId"], stored["ETag"].strip('"'), len(body))
        return message(announcement(photo), id_=str(uuid.uuid4()))

    def deliver(self, *messages: dict[str, Any], times: int = 1) -> Outcome:
        """One invocation with these messages; `times` is their receive count."""
        records = [{**each, "attributes": {"ApproximateReceiveCount": str(times)}} for each in messages]
        function = Function.from_configuration(
            configuration("annotator", **{**self._configuration(), **self.changes}),
            {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "local"},
        )
        return self.host.invoke(function, json.dumps({"Records": records}).encode(), str(uuid.uuid4()))

    def _configuration(self) -> dict[str, Any]:
        variables = {
            "PROCESSED_BUCKET": PROCESSED,
            "COLLECTION_ID": COLLECTION,
            "INBOX_URL": "http://127.0.0.1:9/inbox",
            "RETRY_AFTER": "10",
            "LONG_EDGE": "2048",
            "AWS_ENDPOINT_URL_S3": self.url,
        }
        return {"ImageUri": f"any/image:{'0' * 64}", "Timeout": 30, "Environment": {"Variables": variables}}

    def failed(self, outcome: Outcome) -> list[str]:
        assert not outcome.is_error, outcome.payload
        return [each["itemIdentifier"] for each in json.loads(outcome.payload)["batchItemFailures"]]

    def stored(self, folder: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=PROCESSED, Prefix=folder)
        return [item["Key"] for item in listed.get("Contents", [])]

    def result(self, key: str = "me.jpg") -> dict[str, Any] | None:
        """The result document. Fails if there are several."""
        stored = self.stored(results_folder(key))
        assert len(stored) <= 1, "results of several versions"
        if not stored:
            return None
        document: dict[str, Any] = json.loads(self.s3.get_object(Bucket=PROCESSED, Key=stored[0])["Body"].read())
        return document

    def faces(self) -> set[str]:
        return {face["FaceId"] for face in self.eyes.list_faces(CollectionId=COLLECTION)["Faces"]}

    def calls(self, operation: str = "IndexFaces") -> int:
        return self.rekognition.conditions.calls().get(operation, 0)

    def assert_whole(self, key: str = "me.jpg", status: str = "annotated") -> None:
        """One outcome, its picture, its faces, and nothing else."""
        result = self.result(key)
        assert result, "no outcome"
        assert result["status"] == status
        assert result["raw"]["version_id"] == self.s3.head_object(Bucket=RAW, Key=key)["VersionId"]
        assert self.faces() == {face["face_id"] for face in result["faces"]}
        assert self.stored(pictures_folder(key)) == ([result["processed"]["key"]] if result["processed"] else [])

    def clear(self) -> None:
        """Remove all uploads and outputs."""
        self.faults.clear()
        self.requests.clear()
        self.changes.clear()
        self.rekognition.conditions.clear()
        for bucket in (RAW, PROCESSED):
            listed = self.s3.list_object_versions(Bucket=bucket)
            for each in (*listed.get("Versions", []), *listed.get("DeleteMarkers", [])):
                self.s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        with contextlib.suppress(self.eyes.exceptions.ResourceNotFoundException):
            self.eyes.delete_collection(CollectionId=COLLECTION)
        self.eyes.create_collection(CollectionId=COLLECTION)
        self.rekognition.conditions.clear()


@contextlib.contextmanager
def on_stage(folder: Path) -> Iterator[Stage]:
    """Starts everything, in about two seconds."""
    image = folder / "assembly" / f"asset.{'0' * 64}"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "lambda" / "photo_annotator", image, ignore=ignored)
    port = processes.free_port()
    emulator_url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        rekognition = stack.enter_context(RekognitionServer(s3_endpoint=emulator_url, sight=PaintedSight()))
        host = stack.enter_context(
            LambdaHost(emulator_url, rekognition.url, folder=folder / "host", assemblies=[folder / "assembly"])
        )
        host.logs = _NoLogs()  # type: ignore[assignment]
        (folder / "emulator").mkdir()
        stack.enter_context(Emulator(host.url, port, folder / "emulator"))
        about: dict[str, Any] = {
            "region_name": REGION,
            "aws_access_key_id": ACCOUNT,
            "aws_secret_access_key": "local",
        }
        s3 = boto3.client("s3", endpoint_url=emulator_url, **about)
        eyes = boto3.client("rekognition", endpoint_url=rekognition.url, **about)
        for bucket in (RAW, PROCESSED):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
        stage = Stage(host, rekognition, s3, eyes)
        stage.url = stack.enter_context(FaultyS3(emulator_url, stage.decide)).url
        yield stage
