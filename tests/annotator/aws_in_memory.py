"""S3, Rekognition and SQS behind boto3's own clients: requests are answered here instead of on a network.

Only what the function's calls mean to each other: objects with ETags and conditions on them, and a collection that
stores nothing twice. Whatever a test wants to happen in the middle of something is put into `before`.
"""

import base64
import hashlib
import io
import json
from collections import defaultdict
from urllib.parse import unquote, urlsplit

import boto3
from annotator.cloud import Cloud
from annotator.handler import Settings
from annotator.inbox import Inbox
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from urllib3.response import HTTPResponse

RAW, PROCESSED, COLLECTION = "raw-photos", "processed-photos", "faces-me"
INBOX, RETRY_AFTER = "https://sqs.ap-southeast-2.amazonaws.com/111122223333/inbox", (10, 60)


def face_detail(left=0.25, *, emotion="HAPPY"):
    """What Rekognition says of a face, its emotions in no order."""
    return {
        "BoundingBox": {"Left": left, "Top": 0.25, "Width": 0.2, "Height": 0.3},
        "Confidence": 99.5,
        "Emotions": [{"Type": "CALM", "Confidence": 3.0}, {"Type": emotion, "Confidence": 95.0}],
        "Smile": {"Value": True, "Confidence": 90.0},
        "Gender": {"Value": "Female", "Confidence": 91.0},
        "AgeRange": {"Low": 21, "High": 33},
    }


class AwsInMemory:
    """All services. `calls` lists (operation, what it was about) in order."""

    def __init__(self):
        self.objects = {}
        self.metadata = {}
        self.seen = [face_detail()]
        self.unindexed = []
        self.collection = {}
        self.calls = []
        self.images = []
        self.failures = defaultdict(list)
        self.before = {}

    def cloud(self):
        s3, rekognition = _client("s3", self._answer_s3), _client("rekognition", self._answer_rekognition)
        return Cloud(s3, rekognition, processed_bucket=PROCESSED, collection_id=COLLECTION)

    def inbox(self, retry_after=RETRY_AFTER):
        return Inbox(INBOX, retry_after, connect=lambda: _client("sqs", self._answer_sqs))

    def function(self, long_edge=2048):
        """What the handler works with."""
        settings = Settings(PROCESSED, COLLECTION, INBOX, RETRY_AFTER, long_edge)
        return settings, self.cloud(), self.inbox()

    def upload(self, key, body):
        """Put a photo into the raw bucket; returns its ETag as an event has it."""
        self.objects[RAW, key] = body
        return hashlib.md5(body).hexdigest()

    def result(self, key="me.jpg"):
        """The result document of a photo, None when there is none."""
        document = self.objects.get((PROCESSED, f"results/{key}.json"))
        return document and json.loads(document)

    def picture(self, key="me.jpg"):
        """The picture of a photo, None when there is none."""
        return self.objects.get((PROCESSED, f"pictures/{key}.jpg"))

    def operations(self):
        """The calls' names in order."""
        return [operation for operation, _ in self.calls]

    def _happens(self, operation, about):
        """Note a call; the failure that a test planned for it, or None."""
        self.calls.append((operation, about))
        if happening := self.before.pop(operation, None):
            happening()
        return self.failures[operation].pop(0) if self.failures[operation] else None

    def _answer_s3(self, request, **_):
        url = urlsplit(request.url)
        bucket, key = url.netloc.split(".")[0], unquote(url.path[1:])
        operation = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
        if failure := self._happens(operation[request.method], f"{bucket}/{key}"):
            return _s3_error(request, *failure)
        here = self.objects.get((bucket, key))
        etag = here is not None and f'"{hashlib.md5(here).hexdigest()}"'
        wanted = _header(request, "If-Match")
        if wanted and here is None:
            return _s3_error(request, 404, "NoSuchKey")
        if (wanted and wanted != etag) or (_header(request, "If-None-Match") and here is not None):
            return _s3_error(request, 412, "PreconditionFailed")
        if request.method == "PUT":
            body = request.body if isinstance(request.body, bytes) else request.body.read()
            self.objects[bucket, key] = bytes(body)
            kept = ("content-type", "x-amz-meta-")
            told = {name: _header(request, name) for name in request.headers if name.lower().startswith(kept)}
            self.metadata[bucket, key] = told
            return _response(request, 200, {})
        if request.method == "DELETE":
            self.objects.pop((bucket, key), None)
            return _response(request, 204, {})
        if here is None:
            return _s3_error(request, 404, "NoSuchKey")
        headers = {"ETag": etag, "Content-Length": str(len(here)), **self.metadata.get((bucket, key), {})}
        return _response(request, 200, headers, here if request.method == "GET" else b"")

    def _answer_rekognition(self, request, **_):
        operation = _header(request, "X-Amz-Target").split(".")[1]
        asked = json.loads(request.body)
        named = asked.get("Image", {}).get("S3Object")
        failure = self._happens(operation, asked)
        if not failure and named and (named["Bucket"], named["Name"]) not in self.objects:
            failure = 400, "InvalidS3ObjectException"
        if failure:
            status, code = failure
            return _response(request, status, {}, json.dumps({"__type": code, "message": "no"}).encode())
        return _response(request, 200, {}, json.dumps(getattr(self, f"_{operation.lower()}")(asked)).encode())

    def _indexfaces(self, asked):
        image = asked["Image"]
        if "S3Object" in image:
            self.images.append(self.objects[image["S3Object"]["Bucket"], image["S3Object"]["Name"]])
        else:
            self.images.append(base64.b64decode(image["Bytes"]))
        records = []
        for number, detail in enumerate(self.seen):
            name = hashlib.md5(f"{number}{asked['ExternalImageId']}".encode()).hexdigest()
            face_id = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
            self.collection[face_id] = asked["ExternalImageId"]
            records.append({"Face": {"FaceId": face_id}, "FaceDetail": detail})
        return {
            "FaceRecords": records,
            "UnindexedFaces": [{"FaceDetail": detail, "Reasons": ["LOW_SHARPNESS"]} for detail in self.unindexed],
        }

    def _listfaces(self, asked):
        """Two at a time, so that whoever lists must turn pages."""
        start = int(asked.get("NextToken", 0))
        faces = sorted(self.collection.items())
        more = {"NextToken": str(start + 2)} if len(faces) > start + 2 else {}
        return {
            "Faces": [{"FaceId": face_id, "ExternalImageId": name} for face_id, name in faces[start : start + 2]],
            **more,
        }

    def _deletefaces(self, asked):
        return {"DeletedFaces": [face_id for face_id in asked["FaceIds"] if self.collection.pop(face_id, None)]}

    def _answer_sqs(self, request, **_):
        asked = json.loads(request.body)
        if failure := self._happens(_header(request, "X-Amz-Target").split(".")[1], asked):
            status, code = failure
            return _response(request, status, {}, json.dumps({"__type": code, "message": "no"}).encode())
        return _response(request, 200, {}, b"{}")


def _client(service, answer):
    client = boto3.client(
        service,
        region_name="ap-southeast-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # Bodies as they are, rather than in chunks with a checksum after them.
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1}, request_checksum_calculation="when_required"
        ),
    )
    client.meta.events.register(f"before-send.{service}", answer)
    return client


def _header(request, name):
    value = request.headers.get(name)
    return value.decode() if isinstance(value, bytes) else value


def _s3_error(request, status, code):
    body = b"" if request.method == "HEAD" else f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return _response(request, status, {}, body)


def _response(request, status, headers, body=b""):
    raw = HTTPResponse(
        io.BytesIO(body), headers=headers, status=status, preload_content=False, request_method=request.method
    )
    return AWSResponse(request.url, status, raw.headers, raw)
