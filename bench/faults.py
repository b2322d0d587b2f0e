"""`python -m bench.faults`: a few hundred photos through the deployed stacks while everything fails by chance; a table.

Real are the stacks as synthesised, the queue with its five tries, the function in its host, and the SIGKILLs. What is
shortened after the deployment, through AWS's own calls, so that tries follow each other in seconds: the function's
time-out (12 s instead of 30), the inbox's visibility (16 s instead of 180) and the waits between tries. The function
also gets 256 MB, which is too little for some of the photos, until everything is mended and the dead letters are sent
back.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import click
import cv2
import numpy as np
from annotator.photo import PICTURES, RESULTS, Photo

from bench.burst.photos import photo, see_painted_faces
from bench.deployed import log_of, messages, say
from local_aws.local import LocalAws
from local_aws.rekognition.conditions import Fault as Refused
from tests.reliability.faulty_s3 import Fault, FaultyS3, Kind, Request
from workshop.aws.account import Account
from workshop.aws.dead_letters import dead_letters, redrive
from workshop.aws.stacks import Stacks

TIMEOUT, VISIBILITY, MEMORY, MENDED_MEMORY = 12, 16, 256, 512
"""Seconds, seconds, and megabytes."""

RETRY_AFTER = "2,4,8,16"
"""Seconds."""

S3_FAULTS: dict[Kind, float] = {
    "500": 0.02,
    "503": 0.02,
    "reset": 0.02,
    "lost answer": 0.01,
    "truncated": 0.01,
    "slow": 0.01,
    "killed before": 0.01,
    "killed during": 0.01,
    "killed after": 0.01,
}
"""The share of S3 requests that each befalls; bodies are truncated, slow or interrupted in reads only."""

SLOW = (1.0, 20.0)
"""Seconds of a slow body: one that is waited for, and one that outlasts the function."""

REFUSALS = {"ThrottlingException": 0.06, "InternalServerError": 0.03, "InvalidS3ObjectException": 0.02}
"""The share of IndexFaces calls that fail in this way."""

HANGS, HANGS_FOR = 0.02, (9.0, 14.0)
"""The share of IndexFaces calls that hang, and for how many seconds. The function waits, or is killed."""

WITHOUT_COLLECTION = 4.0
"""Seconds at the beginning for which the collection is deleted."""

POISON = ("hello", "{}", '{"Records": [{"eventSource": "aws:s3"}]}')
TOO_LARGE = 2
PATIENCE = 420.0


@dataclass
class Room:
    """What happened to the photos, and the function's log."""

    chance: random.Random
    stacks: Stacks
    uploads: int = 0
    duplicates: int = 0
    keys: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    index_faces: Counter[str] = field(default_factory=Counter)
    faulty: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def decide(self, request: Request) -> Fault | None:
        """What befalls one S3 request of the function's."""
        with self.lock:
            if not self.faulty:
                return None
            at = self.chance.random()
            for kind, share in S3_FAULTS.items():
                at -= share
                if at < 0:
                    if kind in ("truncated", "slow", "killed during") and request.method != "GET":
                        return None
                    self.happened[_step(kind, request) if kind.startswith("killed") else f"S3: {kind}"] += 1
                    return Fault(kind, self.chance.choice(SLOW) if kind == "slow" else 0.0)
        return None

    def looked_at(self, operation: str, body: dict[str, Any]) -> None:
        """Count one call of Rekognition; now and then it hangs."""
        with self.lock:
            if operation == "IndexFaces":
                self.index_faces[body.get("ExternalImageId", "")] += 1
            hangs = operation == "IndexFaces" and self.faulty and self.chance.random() < HANGS
            self.happened["Rekognition: hangs"] += hangs
            seconds = self.chance.choice(HANGS_FOR) if hangs else 0.0
        time.sleep(seconds)

    def put(self, key: str, body: bytes) -> Photo:
        stored = self.stacks.account.client("s3").put_object(Bucket=self.stacks.raw_bucket, Key=key, Body=body)
        photo = Photo(self.stacks.raw_bucket, key, stored["VersionId"], stored["ETag"].strip('"'), len(body))
        with self.lock:
            self.uploads += 1
            self.versions[photo.external_image_id] = f"{key}, version {photo.version_id} ({body[:4]!r})"
        return photo

    def announce_again(self, photo: Photo) -> None:
        """The same event once more, as S3 may send it."""
        entry = {"key": quote_plus(photo.key), "size": photo.size, "eTag": photo.etag, "versionId": photo.version_id}
        s3 = {"bucket": {"name": photo.bucket}, "object": entry}
        event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}
        self.send(json.dumps({"Records": [event]}))
        with self.lock:
            self.duplicates += 1

    def send(self, body: str) -> None:
        self.stacks.account.client("sqs").send_message(QueueUrl=self.stacks.inbox_url, MessageBody=body)


def _step(kind: Kind, request: Request) -> str:
    """Where a photo's way was cut short, such as `killed after PUT results`."""
    what = request.key.partition("/")[0] if request.key.startswith((PICTURES, RESULTS)) else "photo"
    return f"{kind} {request.method} {what}"


@click.command(epilog="It takes a few minutes; nothing is kept.")
@click.option("--photos", default=300, show_default=True, help="How many names photos are uploaded under.")
@click.option("--seed", default=1, show_default=True, help="Which faults, when.")
def main(photos: int, seed: int) -> None:
    """Play the faults and print a Markdown table; for example: python -m bench.faults --photos 60"""
    began = time.monotonic()
    with LocalAws() as aws, aws.adopted():
        see_painted_faces(aws)
        say("Deploying")
        aws.prepare()
        aws.deploy()
        room = Room(random.Random(seed), Stacks.of(Account.open()))
        with FaultyS3(aws.emulator.url, room.decide) as faulty:
            _configure(room.stacks, MEMORY, faulty.url)
            _play_rekognition(aws, room)
            _play(aws, room, photos)
            failed = _outcomes(room)
            room.faulty = False
            aws.rekognition.conditions.clear()
            _configure(room.stacks, MENDED_MEMORY, faulty.url)
            letters = dead_letters(room.stacks)
            redrive(room.stacks, [letter for letter in letters if letter.is_photo])
            _wait(room, "mended")
            ended = _outcomes(room)
            rows = _rows(room, failed, ended, len(letters))
    click.echo(
        f"{photos} names, seed {seed}, {time.monotonic() - began:.0f} s on {os.cpu_count()} cores "
        f"(load {os.getloadavg()[0]:.1f})\n"
    )
    click.echo("| | |\n| --- | ---: |")
    for name, value in rows.items():
        click.echo(f"| {name} | {value} |")
    if ended.wrong:
        sys.exit("\n".join(["", "Not as promised:", *ended.wrong[:20]]))


def _configure(stacks: Stacks, memory: int, s3_url: str) -> None:
    """Shorten the tries, and lead the function's S3 calls past the faults."""
    functions = stacks.account.client("lambda")
    deployed = functions.get_function_configuration(FunctionName=stacks.function_name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=stacks.function_name,
        Timeout=TIMEOUT,
        MemorySize=memory,
        Environment={"Variables": {**deployed, "AWS_ENDPOINT_URL_S3": s3_url, "RETRY_AFTER": RETRY_AFTER}},
    )
    stacks.account.client("sqs").set_queue_attributes(
        QueueUrl=stacks.inbox_url, Attributes={"VisibilityTimeout": str(VISIBILITY)}
    )


def _play_rekognition(aws: LocalAws, room: Room) -> None:
    conditions = aws.rekognition.conditions
    conditions.clear()
    conditions.set_latency("IndexFaces", (0.1, 0.4))
    for code, share in REFUSALS.items():
        conditions.add_fault(Refused("IndexFaces", code, probability=share))
    answer = aws.rekognition.answer

    def answer_sometimes_late(operation: str, body: dict[str, Any], caller: Any) -> dict[str, Any]:
        room.looked_at(operation, body)
        return answer(operation, body, caller)

    aws.rekognition.answer = answer_sometimes_late  # type: ignore[method-assign]


def _play(aws: LocalAws, room: Room, photos: int) -> None:
    """Play all stories, and wait until the inbox is empty."""
    rekognition = room.stacks.account.client("rekognition")
    rekognition.delete_collection(CollectionId=room.stacks.collection_id)
    back = threading.Timer(
        WITHOUT_COLLECTION, rekognition.create_collection, kwargs={"CollectionId": room.stacks.collection_id}
    )
    back.start()
    room.happened["collection deleted"] = 1
    for body in POISON:
        room.send(body)
    stories = [_story(room, number) for number in range(photos)]
    with ThreadPoolExecutor(8) as people:
        for playing in [people.submit(story) for story in stories]:
            playing.result()
    back.join()
    _wait(room, "failing")
    for code, count in aws.rekognition.conditions.refusals().get("IndexFaces", {}).items():
        if code in REFUSALS:
            room.happened[f"Rekognition: {code}"] = count


def _story(room: Room, number: int) -> Callable[[], None]:
    """A function that plays the uploads, duplicate events and deletions of one photo."""
    chance = random.Random(f"{room.chance.random()} {number}")
    first, second = _body(chance, number), _body(chance, number + 100_000)
    key = f"{chance.choice(('', 'a phone/', 'müde + 1 '))}{number:05}.jpg"
    if number < TOO_LARGE:
        first, kind = _too_large(), "plain"
    else:
        names = ("plain", "duplicate", "overwritten", "there and back", "deleted", "late duplicate")
        (kind,) = chance.choices(names, (60, 10, 10, 8, 6, 6))
    room.keys.append(key)
    room.happened[f"photo: {kind}"] += 1

    def play() -> None:
        photo = room.put(key, first)
        time.sleep(chance.uniform(0, 2.5))
        if kind == "duplicate":
            room.announce_again(photo)
        if kind in ("overwritten", "there and back", "late duplicate"):
            room.put(key, second)
        if kind == "there and back":
            time.sleep(chance.uniform(0, 2.5))
            room.put(key, first)
        if kind == "late duplicate":
            time.sleep(chance.uniform(0, 2.5))
            room.announce_again(photo)
        if kind == "deleted":
            s3 = room.stacks.account.client("s3")
            s3.delete_object(Bucket=room.stacks.raw_bucket, Key=key)

    return play


def _body(chance: random.Random, number: int) -> bytes:
    """A photo with painted faces as a JPEG, now and then as a PNG, damaged, or no photo at all."""
    jpeg = photo(number, width=640, height=480)
    (kind,) = chance.choices(("JPEG", "PNG", "damaged", "no photo"), (84, 8, 4, 4))
    if kind == "PNG":
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        return cv2.imencode(".png", pixels)[1].tobytes()
    return {"JPEG": jpeg, "damaged": jpeg[: len(jpeg) // 2], "no photo": b"%PDF-1.7 " + str(number).encode()}[kind]


def _too_large() -> bytes:
    """A PNG of 40 megapixels: more than MEMORY holds, and less than MENDED_MEMORY."""
    pixels = np.zeros((5000, 8000, 3), np.uint8)
    pixels[1000:2500, 1000:2500] = (255, 0, 255)
    return cv2.imencode(".png", pixels)[1].tobytes()


def _wait(room: Room, what: str) -> None:
    until = time.monotonic() + PATIENCE
    empty = 0
    while empty < 4 and time.monotonic() < until:
        waiting = messages(room.stacks, room.stacks.inbox_url)
        empty = 0 if waiting else empty + 1
        say(f"{what}: {waiting} messages in the inbox")
        time.sleep(0.5)


@dataclass
class Outcomes:
    """How everything stands: how many names ended how, and each thing that is not as promised."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    older: int = 0
    after_deletion: int = 0
    orphans: int = 0
    missing: int = 0
    stray: int = 0


def _outcomes(room: Room) -> Outcomes:
    """Look at every object and every face."""
    seen = Outcomes()
    s3 = room.stacks.account.client("s3")
    raw = {
        key: s3.head_object(Bucket=room.stacks.raw_bucket, Key=key)["VersionId"]
        for key in _listed(s3, room.stacks.raw_bucket)
    }
    processed = _listed(s3, room.stacks.processed_bucket)
    documents = [
        json.loads(s3.get_object(Bucket=room.stacks.processed_bucket, Key=key)["Body"].read())
        for key in processed
        if key.startswith(RESULTS)
    ]
    named = {face["face_id"] for document in documents for face in document["faces"] if face["face_id"]}
    pictures = {document["processed"]["key"] for document in documents if document["processed"]}
    for key in {key for key in processed if key.startswith(PICTURES)} ^ pictures:
        seen.stray += 1
        seen.wrong.append(f"{key}: a picture without a result, or named by a result and missing")
    for key in room.keys:
        versions = {
            document["raw"]["version_id"]: document["status"] for document in documents if document["raw"]["key"] == key
        }
        if key not in raw:
            seen.statuses["deleted by its owner"] += 1
            if versions:
                seen.after_deletion += 1
        elif raw[key] not in versions:
            seen.statuses["no outcome"] += 1
            seen.wrong.append(f"{key}: no outcome")
        else:
            seen.statuses[versions[raw[key]]] += 1
            if len(versions) > 1:
                seen.older += 1
                seen.wrong.append(f"{key}: the outcome of an older version as well")
    pages = room.stacks.account.client("rekognition").get_paginator("list_faces")
    there = {
        face["FaceId"]: face["ExternalImageId"]
        for page in pages.paginate(CollectionId=room.stacks.collection_id)
        for face in page["Faces"]
    }
    seen.orphans, seen.missing = len(there.keys() - named), len(named - there.keys())
    seen.wrong += [f"a face that no result names: {room.versions[there[face]]}" for face in there.keys() - named]
    seen.wrong += [f"face {face_id} that is not in the collection" for face_id in named - there.keys()]
    return seen


def _rows(room: Room, failed: Outcomes, ended: Outcomes, letters: int) -> dict[str, object]:
    begun: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for _, event in log_of(room.stacks):
        if event.startswith("{"):
            line = json.loads(event)
            if line.get("status") == "begun":
                begun[line["message_id"]] += 1
        for words in ("signal: killed", "Task timed out"):
            ends[words] += words in event
    photos_back = letters - len(POISON)
    happened = sorted((name, count) for name, count in room.happened.items() if count)
    kills = sum(count for name, count in happened if name.startswith("killed"))
    calls = sum(room.index_faces.values())
    return {
        "uploads under these names; duplicate events; poison": f"{room.uploads}; {room.duplicates}; {len(POISON)}",
        "what people did": _list((name[7:], count) for name, count in happened if name.startswith("photo: ")),
        "what S3 and Rekognition did": _list(
            (name, count) for name, count in happened if not name.startswith(("photo: ", "killed"))
        ),
        f"{kills} kills": _list((name[7:], count) for name, count in happened if name.startswith("killed")),
        "functions ended by a signal (SIGKILL or memory) / by their time-out": (
            f"{ends['signal: killed']} / {ends['Task timed out']}"
        ),
        "outcomes while everything failed": _statuses(failed.statuses),
        "dead letters after five real failures (photos / poison)": f"{photos_back} / {len(POISON)}",
        "**outcomes after the faults ended and a redrive**": f"**{_statuses(ended.statuses)}**",
        "**lost / older versions' outcomes**": f"**{ended.statuses['no outcome']} / {ended.older}**",
        "results of photos that were deleted after they were done": ended.after_deletion,
        "**faces without a result / missing faces that a result names**": f"**{ended.orphans} / {ended.missing}**",
        "**pictures without a result, or the reverse**": f"**{ended.stray}**",
        "deliveries of a message: mean / most": (
            f"{sum(begun.values()) / max(1, len(begun)):.2f} / {max(begun.values())}"
        ),
        "IndexFaces calls per upload: mean / most": (f"{calls / room.uploads:.2f} / {max(room.index_faces.values())}"),
    }


def _statuses(statuses: Counter[str]) -> str:
    return _list(sorted(statuses.items()))


def _list(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)


def _listed(s3: Any, bucket: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


if __name__ == "__main__":
    main()
