"""What happened to a photo, in one sentence: for `why`, and for `send` after its wait."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from annotator.photo import Photo
from annotator.result import Result
from botocore.exceptions import ClientError

from workshop.aws.dead_letters import dead_letters, put_back
from workshop.aws.queues import messages_in
from workshop.aws.results import latest_result, result_of
from workshop.aws.stacks import Stacks
from workshop.checks import parts
from workshop.photos.raw_bucket import found, how_to_send, key_of
from workshop.terminal.counting import counted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

State = Literal[
    "annotated",
    "no_face",
    "rejected",
    "failed",
    "failing",
    "queued",
    "no_function",
    "broken",
    "lost",
    "never_arrived",
]

JUST_ARRIVED = timedelta(seconds=60)
"""How long a photo may be uncounted, in no queue, after its upload: SQS's counts are approximate."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What happened to a photo, and what to do next."""

    state: State
    key: str | None
    sentence: str
    next_step: str

    @property
    def is_answer(self) -> bool:
        """Whether the photo is done: it has a picture, with faces or without."""
        return self.state in ("annotated", "no_face")


def diagnose(stacks: Stacks, name: str) -> Diagnosis:
    """What happened to the photo `name`, which is its file or its key."""
    command = stacks.account.command
    key = key_of(stacks, name)
    if key is None:
        return Diagnosis("never_arrived", None, f"{name} never arrived in your bucket.", how_to_send(stacks, name))
    s3: S3Client = stacks.account.client("s3")
    photo = found(s3, stacks.raw_bucket, key)
    if result := result_of(stacks, photo) if photo else latest_result(stacks, key):
        return _finished(stacks, key, result)
    if photo is None:
        return Diagnosis(
            "never_arrived",
            key,
            f"{key} is not in your bucket any more.",
            f"Send it: {command('send PHOTO' if stacks.has_function else 'index PHOTO')}",
        )
    return _unfinished(stacks, photo)


def _finished(stacks: Stacks, key: str, result: Result) -> Diagnosis:
    command = stacks.account.command
    if result.status == "annotated":
        indexed = sum(face.indexed for face in result.faces)
        sentence = f"{key} is annotated: {counted(len(result.faces), 'face')} found, {indexed} of them indexed."
        return Diagnosis("annotated", key, sentence, f"See it: {command('url', key)}")
    if result.status == "no_face":
        sentence = f"{key} is done: Rekognition found no face in it, and the picture says so."
        return Diagnosis("no_face", key, sentence, "Faces must be at least about 40 pixels high, and not too dark.")
    sentence = f"{key} was refused: {result.reason or 'no reason was given'}"
    return Diagnosis("rejected", key, sentence, f"Send another photo, and remove this one: {command('forget', key)}")


def _unfinished(stacks: Stacks, photo: Photo) -> Diagnosis:
    command, key = stacks.account.command, photo.key
    if blocker := parts.blocker(stacks):
        return Diagnosis("broken", key, f"{key} cannot be annotated. {blocker.says}", blocker.fix or "")
    if _in_dead_letters(stacks, photo):
        unknown = "none in its log" if stacks.log_group else "its log could not be read"
        error = _last_error(stacks, photo) or unknown
        sentence = f"{key} failed on every try and is in the dead-letter queue. The function's last error: {error}"
        return Diagnosis("failed", key, sentence, f"After you fix the cause: {command('redrive')}")
    waiting, in_work = messages_in(stacks.account, stacks.inbox_url)
    if unusable := stacks.serverless_unusable:
        sentence = f"{key} may be waiting in the inbox. {unusable.message}"
        return Diagnosis(
            "no_function", key, sentence, f"{unusable.hint}\nOr annotate it from this computer: {command('index', key)}"
        )
    if not stacks.has_function:
        sentence = f"{key} is waiting in the inbox, because Step 5 is not deployed."
        deploy = stacks.account.cdk("deploy Serverless")
        step = f"Deploy it: {deploy}\nOr annotate the photo from this computer: {command('index', key)}"
        return Diagnosis("no_function", key, sentence, step)
    if failure := _last_error(stacks, photo):
        sentence = f"{key} failed and will be tried again. The function's last error: {failure}"
        return Diagnosis("failing", key, sentence, f"Ask again in a minute: {command('why', key)}")
    if waiting or in_work or _age(stacks, photo) < JUST_ARRIVED:
        sentence = f"{key} is still queued: about {counted(waiting, 'message')} in the inbox, {in_work} in progress."
        return Diagnosis("queued", key, sentence, f"Ask again in a moment: {command('why', key)}")
    sentence = f"{key} is in the bucket, but the inbox is empty and there is no result."
    return Diagnosis("lost", key, sentence, f"Annotate it from this computer: {command('index', key)}")


def _in_dead_letters(stacks: Stacks, photo: Photo) -> bool:
    """Whether this version of the photo is in the dead-letter queue, which is left unchanged."""
    letters = dead_letters(stacks)
    put_back(stacks, letters)
    return any(_same_version(photo, each) for letter in letters for each in letter.photos)


def _same_version(photo: Photo, other: Photo) -> bool:
    return (photo.key, photo.version_id) == (other.key, other.version_id)


def _age(stacks: Stacks, photo: Photo) -> timedelta:
    s3: S3Client = stacks.account.client("s3")
    arrived = s3.head_object(Bucket=photo.bucket, Key=photo.key)["LastModified"]
    return datetime.now(UTC) - arrived


def _last_error(stacks: Stacks, photo: Photo) -> str | None:
    """The last error in the function's log about this version of the photo, or None."""
    if not stacks.log_group:
        return None
    lines = [
        line
        for line in _log_lines(stacks, f"{{ $.key = {json.dumps(photo.key)} }}")
        if (line.get("key"), line.get("version_id")) == (photo.key, photo.version_id)
    ]
    errors = [line for line in lines if line.get("level") in ("ERROR", "CRITICAL")]
    if errors:
        return _error_in(errors[-1])
    requests = [str(line["request_id"]) for line in lines if line.get("request_id")]
    # A killed function writes nothing more; Lambda's own line names the request.
    for line in _log_lines(stacks, f'"{requests[-1]}"') if requests else ():
        text = str(line.get("text", ""))
        if "Task timed out" in text or "Runtime exited" in text or "Runtime.OutOfMemory" in text:
            return text.partition(requests[-1])[2].strip() or text
    return None


def _error_in(line: dict[str, Any]) -> str:
    # The last line of a traceback is the error itself.
    traceback = [part for part in str(line.get("error", "")).splitlines() if part.strip()]
    return traceback[-1].strip() if traceback else str(line.get("message", "no message"))


def _log_lines(stacks: Stacks, pattern: str) -> Iterator[dict[str, Any]]:
    """The log's lines of the last day that match; a line that is not JSON comes as `{"text": line}`."""
    since = datetime.now(UTC) - timedelta(days=1)
    pages = (
        stacks.account.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=stacks.log_group,
            filterPattern=pattern,
            startTime=int(since.timestamp() * 1000),
            PaginationConfig={"MaxItems": 500},
        )
    )
    try:
        for event in (event for page in pages for event in page.get("events", [])):
            try:
                line = json.loads(event["message"])
            except ValueError:
                line = None
            yield line if isinstance(line, dict) else {"text": event["message"]}
    except ClientError:
        return  # no log group yet, or no permission to read it
