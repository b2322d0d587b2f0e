"""S3, Rekognition and SQS in memory, behind botocore's own clients. Requests never reach a network.

It simulates only what the function relies on: a bucket with versions, one without, and a collection that stores no
face twice. A test can register a callback in `before`, to run just before a call.
"""

import base64
import hashlib
import io
import itertools
import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from annotator.cloud import Cloud
from annotator.handler import Settings
from annotator.inbox import Inbox
from annotator.photo import PICTURES, Photo, results_folder
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import get_session
from urllib3.response import HTTPResponse

RAW, PROCESSED, COLLECTION = "raw-photos", "processed-photos", "faces-me"
UPLOADED = datetime(2026, 11, 22, 10, tzinfo=UTC)
INBOX, RETRY_AFTER = "https://sqs.ap-southeast-2.amazonaws.com/111122223333/inbox", (10, 60)


def face_detail(left=0.25, *, emotion="HAPPY"):
    """Rekognition's FaceDetail of a face, with unsorted emotions."""
    return {
        "BoundingBox": {"Left": left, "Top": 0.25, "Width": 0.2, "Height": 0.3},
        "Confidence": 99.5,
        "Emotions": [{"Type": "CALM", "Confidence": 3.0}, {"Type": emotion, "Confidence": 95.0}],
        "Smile": {"Value": True, "Confidence": 90.0},
        "Gender": {"Value": "Female", "Confidence": 91.0},
        "AgeRange": {"Low": 21, "High": 33},
    }


class AwsInMemory:
    """All services. `calls` lists (operation, its subject) in order.

    The raw bucket keeps versions, oldest first; a deletion adds a version without bytes, S3's delete marker.
    """

    def __init__(self):
        self.versions = defaultdict(list)
        self.objects = {}
        self.content_types = {}
        self.seen = [face_detail()]
        self.unindexed = []
        self.collection = {}
        self.calls = []
        self.images = []
        self.failures = defaultdict(list)
        self.before = {}
        self._numbers = itertools.count(1)

    def cloud(self):
        s3, rekognition = client("s3", self._answer_s3), client("rekognition", self._answer_rekognition)
        return Cloud(s3, rekognition, processed_bucket=PROCESSED, collection_id=COLLECTION)

    def inbox(self, retry_after=RETRY_AFTER):
        return Inbox(INBOX, retry_after, connect=lambda: client("sqs", self._answer_sqs))

    def function(self, long_edge=2048):
        """The handler's settings, cloud and inbox."""
        settings = Settings(PROCESSED, COLLECTION, INBOX, RETRY_AFTER, long_edge)
        return settings, self.cloud(), self.inbox()

    def upload(self, key="me.jpg", body=b""):
        """Upload a photo to the raw bucket."""
        version = f"version.{next(self._numbers)}"
        self.versions[key].append((version, body))
        return Photo(RAW, key, version, hashlib.md5(body).hexdigest(), len(body))

    def delete(self, key="me.jpg"):
        """Delete a photo like `aws s3 rm`: its versions remain."""
        self.versions[key].append((f"marker.{next(self._numbers)}", None))

    def erase(self, key="me.jpg"):
        """Delete every version of a photo, as `forget` and S3's lifecycle do."""
        self.versions.pop(key, None)

    def current(self, key="me.jpg"):
        """The bytes of the current version, None after a deletion."""
        return self.versions[key][-1][1] if self.versions.get(key) else None

    def result(self, key="me.jpg"):
        """The only result document of a photo, or None."""
        found = [body for (_, name), body in self.objects.items() if name.startswith(results_folder(key))]
        assert len(found) <= 1, "results of several versions"
        return json.loads(found[0]) if found else None

    def picture(self, key="me.jpg"):
        """The only picture of a photo, or None."""
        found = [body for (_, name), body in self.objects.items() if name.startswith(f"{PICTURES}{key}/")]
        assert len(found) <= 1, "pictures of several versions"
        return found[0] if found else None

    def operations(self):
        """The calls' names in order."""
        return [operation for operation, _ in self.calls]

    def _happens(self, operation, about):
        """Record a call; returns the failure that a test planned for it, or None."""
        self.calls.append((operation, about))
        if happening := self.before.pop(operation, None):
            happening()
        return self.failures[operation].pop(0) if self.failures[operation] else None

    def _answer_s3(self, request, **_):
        operation, bucket, key, query = s3_call(request)
        if failure := self._happens(operation, f"{bucket}/{key}"):
            return _s3_error(request, *failure)
        if operation == "ListObjectsV2":
            return _response(request, 200, {}, self._listed(query["prefix"][0]))
        if operation == "PutObject":
            body = request.body if isinstance(request.body, bytes) else request.body.read()
            self.objects[bucket, key] = bytes(body)
            self.content_types[key] = _header(request, "Content-Type")
            return _response(request, 200, {})
        if operation == "DeleteObject":
            self.objects.pop((bucket, key), None)
            return _response(request, 204, {})
        if bucket == PROCESSED:
            version, body = None, self.objects.get((bucket, key))
        else:
            version, body = self._version(key, query.get("versionId", [None])[0])
        if body is None:
            marker = {"x-amz-delete-marker": "true"} if version else {}
            return _s3_error(request, 404, "NoSuchVersion" if "versionId" in query else "NoSuchKey", marker)
        headers = {
            "ETag": f'"{hashlib.md5(body).hexdigest()}"',
            "Content-Length": str(len(body)),
            "Last-Modified": UPLOADED.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            **({"x-amz-version-id": version} if version else {}),
        }
        return _response(request, 200, headers, body if operation == "GetObject" else b"")

    def _version(self, key, version):
        """The name and the bytes of a version, of the current one if `version` is None."""
        versions = self.versions.get(key, [])
        return next((each for each in reversed(versions) if version in (None, each[0])), (None, None))

    def _listed(self, prefix):
        names = [name for bucket, name in self.objects if name.startswith(prefix) and "/" not in name[len(prefix) :]]
        items = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names)
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()

    def _answer_rekognition(self, request, **_):
        operation = _header(request, "X-Amz-Target").split(".")[1]
        asked = json.loads(request.body)
        named = asked.get("Image", {}).get("S3Object")
        failure = self._happens(operation, asked)
        if not failure and named and self._version(named["Name"], named["Version"])[1] is None:
            failure = 400, "InvalidS3ObjectException"
        if failure:
            status, code = failure
            return _response(request, status, {}, json.dumps({"__type": code, "message": "no"}).encode())
        return _response(request, 200, {}, json.dumps(getattr(self, f"_{operation.lower()}")(asked)).encode())

    def faces_of(self, image):
        """What Rekognition finds in an image."""
        return self.seen

    def _indexfaces(self, asked):
        named = asked["Image"].get("S3Object")
        image = (
            self._version(named["Name"], named["Version"])[1] if named else base64.b64decode(asked["Image"]["Bytes"])
        )
        self.images.append(image)
        records = []
        for number, detail in enumerate(self.faces_of(image)):
            face_id = str(uuid.UUID(hashlib.md5(f"{number}{asked['ExternalImageId']}".encode() + image).hexdigest()))
            self.collection[face_id] = asked["ExternalImageId"]
            records.append({"Face": {"FaceId": face_id}, "FaceDetail": detail})
        return {
            "FaceRecords": records,
            "UnindexedFaces": [{"FaceDetail": detail, "Reasons": ["LOW_SHARPNESS"]} for detail in self.unindexed],
        }

    def _listfaces(self, asked):
        """Two faces per page, so that there are several pages."""
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


def s3_call(request):
    """The operation, bucket, key and query of a request."""
    url = urlsplit(request.url)
    query = parse_qs(url.query, keep_blank_values=True)
    operations = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
    operation = "ListObjectsV2" if "list-type" in query else operations[request.method]
    return operation, url.netloc.split(".")[0], unquote(url.path[1:]), query


def client(service, answer, tries=1):
    """A client that asks `answer` instead of AWS, and gives up after so many tries."""
    made = get_session().create_client(
        service,
        region_name="ap-southeast-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # Bodies as they are, rather than in chunks with a checksum after them.
        config=Config(
            retries={"mode": "standard", "total_max_attempts": tries}, request_checksum_calculation="when_required"
        ),
    )
    made.meta.events.register(f"before-send.{service}", answer)
    return made


def _header(request, name):
    value = request.headers.get(name)
    return value.decode() if isinstance(value, bytes) else value


def _s3_error(request, status, code, headers=None):
    body = b"" if request.method == "HEAD" else f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return _response(request, status, headers or {}, body)


def _response(request, status, headers, body=b""):
    raw = HTTPResponse(
        io.BytesIO(body), headers=headers, status=status, preload_content=False, request_method=request.method
    )
    return AWSResponse(request.url, status, raw.headers, raw)
