"""A checkpoint for each of the workshop's six steps: is the step done?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from annotator.drawing.words import look
from annotator.photo import PICTURES, RESULTS
from annotator.result import Picture, Result
from botocore.exceptions import ClientError

from infra.settings import stack_name
from workshop.aws.account import Account
from workshop.aws.links import answer_to_anyone, link_to
from workshop.aws.queues import messages_in
from workshop.aws.results import all_results
from workshop.aws.stacks import Stacks
from workshop.checks import parts
from workshop.photos.raw_bucket import found
from workshop.terminal.counting import counted
from workshop.terminal.errors import GONE, WorkshopError, code_of, refusal
from workshop.terminal.findings import Finding


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One step: its number, its name, and `look`, which checks whether it is done.

    `look` raises WorkshopError if an earlier step is missing.
    """

    step: int
    title: str
    look: Callable[[Account], list[Finding]]


def prepared(account: Account) -> list[Finding]:
    """Step 1: the buckets are there, closed to the public, and so are the queues and the collection."""
    stacks = Stacks.of(account)
    made = (parts.raw_bucket, parts.processed_bucket, parts.inbox, parts.dead_letters, parts.collection)
    stack = Finding("Stack", "ok", stack_name(account.attendee, "Foundation"))
    return [stack, *(part(stacks) for part in made)]


def uploaded(account: Account) -> list[Finding]:
    """Step 2: a photo is in the raw bucket."""
    stacks = Stacks.of(account)
    pages = account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stacks.raw_bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
    if not keys:
        fix = account.command("upload selfie.jpg")
        return [Finding("Photos", "problem", "There is no photo in the raw bucket.", fix)]
    return [Finding("Photos", "ok", f"{counted(len(keys), 'photo')} in the raw bucket, such as {keys[0]}")]


def indexed(account: Account) -> list[Finding]:
    """Step 3: a photo has been analysed, its faces are in the collection and its picture in the processed bucket."""
    stacks = Stacks.of(account)
    fix = account.command("index selfie.jpg")
    results = [result for result in all_results(stacks) if result.picture]
    if not results:
        return [Finding("Results", "problem", "No photo has been analysed yet.", fix)]
    faces = [face for result in results for face in result.faces]
    findings = [Finding("Results", "ok", f"{counted(len(results), 'photo')} analysed, {counted(len(faces), 'face')}")]
    kept = account.client("rekognition").describe_collection(CollectionId=stacks.collection_id)["FaceCount"]
    if kept:
        findings.append(Finding("Collection", "ok", f"{counted(kept, 'face')} indexed"))
    else:
        findings.append(
            Finding("Collection", "problem", "It contains no face.", f"Take a sharp photo of a face from nearby: {fix}")
        )
    findings.append(_picture(account, results[-1], fix))
    return findings


def shared(account: Account) -> list[Finding]:
    """Step 4: the direct address of a picture is refused, a presigned link opens it."""
    picture = _any_picture(account)
    link = link_to(account, picture.bucket, picture.key, timedelta(minutes=5))
    status, code = answer_to_anyone(link.direct)
    if status == 403:
        direct = Finding("Direct", "ok", f"refused, as it should be ({status} {code})")
    else:
        direct = Finding(
            "Direct", "problem", f"answered with {status} {code} instead of 403.", account.command("check 1")
        )
    status, code = answer_to_anyone(link.url)
    if status == 200:
        return [direct, Finding("Presigned", "ok", "a link to a picture opens")]
    return [direct, Finding("Presigned", "problem", f"answered with {status} {code}.", account.command("doctor"))]


def serverless(account: Account) -> list[Finding]:
    """Step 5: the function is deployed and connected to the inbox, and no photos wait or have failed."""
    stacks = Stacks.of(account)
    function = parts.function(stacks)
    if function.verdict == "problem":
        return [function]
    trigger = parts.trigger(stacks)
    findings = [function, trigger]
    waiting, failed = (sum(messages_in(account, url)) for url in (stacks.inbox_url, stacks.dead_letter_queue_url))
    if waiting and trigger.verdict == "problem":
        findings.append(Finding("Inbox", "warning", f"{counted(waiting, 'message')} waiting for the trigger"))
    elif waiting:
        wait = "Wait a minute, then check again"
        findings.append(Finding("Inbox", "warning", f"{counted(waiting, 'message')} waiting", wait))
    else:
        findings.append(Finding("Inbox", "ok", "nothing is waiting"))
    findings.append(
        Finding("Failed", "problem", f"{counted(failed, 'photo')} failed.", account.command("redrive --dry-run"))
        if failed
        else Finding("Failed", "ok", "no photo has failed")
    )
    newest = _newest(account, stacks.processed_bucket, RESULTS)
    if newest >= _deployed(stacks):
        findings.append(Finding("Results", "ok", "a photo was annotated"))
    elif newest:
        another = account.command("send another-selfie.jpg")
        findings.append(
            Finding("Results", "problem", "No photo was annotated since the function was deployed.", another)
        )
    else:
        findings.append(
            Finding("Results", "problem", "No photo was annotated yet.", account.command("send selfie.jpg"))
        )
    return findings


def labelled(account: Account) -> list[Finding]:
    """Step 6: a picture has labels, and the function as it is deployed now has drawn one."""
    stacks = Stacks.of(account)
    stacks.require_function()
    again = account.command("send another-selfie.jpg")
    with_labels = [result for result in all_results(stacks) if result.picture and any(f.emotion for f in result.faces)]
    if not with_labels:
        return [Finding("Labels", "problem", "No picture has a label yet.", again)]
    looks = sorted({look(face) for result in with_labels for face in result.faces})
    findings = [Finding("Labels", "ok", f"{counted(len(with_labels), 'picture')} with a face: {', '.join(looks)}")]
    newest = _newest(account, stacks.processed_bucket, PICTURES)
    findings.append(
        Finding("Your code", "ok", "the newest picture was drawn after the function was last deployed")
        if newest >= _deployed(stacks)
        else Finding("Your code", "problem", "No picture was drawn since the function was last deployed.", again)
    )
    return findings


CHECKPOINTS = (
    Checkpoint(1, "Buckets and a collection", prepared),
    Checkpoint(2, "A photo in the raw bucket", uploaded),
    Checkpoint(3, "Faces indexed", indexed),
    Checkpoint(4, "A link for people without AWS", shared),
    Checkpoint(5, "Serverless", serverless),
    Checkpoint(6, "The label", labelled),
)
"""The six steps of docs/workshop.md."""


def findings_at(checkpoint: Checkpoint, account: Account) -> list[Finding]:
    """The step's findings. If an earlier step or a resource is missing, that is the only one."""
    try:
        return checkpoint.look(account)
    except WorkshopError as error:
        return [Finding("Not yet", "problem", error.message, error.hint)]
    except ClientError as error:
        if code_of(error) not in GONE:
            raise
        gone = refusal(error)
        return [Finding("Not there", "problem", gone.message, account.command("check"))]


def _any_picture(account: Account) -> Picture:
    for result in all_results(Stacks.of(account)):
        if result.picture:
            return result.picture
    raise WorkshopError("There is no annotated picture yet.", account.command("index selfie.jpg"))


def _picture(account: Account, result: Result, fix: str) -> Finding:
    picture = result.picture
    if picture and found(account.client("s3"), picture.bucket, picture.key):
        return Finding("Picture", "ok", picture.key)
    return Finding("Picture", "problem", f"The picture of {result.raw.key} is gone.", fix)


def _newest(account: Account, bucket: str, prefix: str) -> float:
    """When the newest object there was stored, in seconds since 1970; 0 when there is none."""
    pages = account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return max((item["LastModified"].timestamp() for page in pages for item in page.get("Contents", [])), default=0)


def _deployed(stacks: Stacks) -> float:
    """When the function was last changed, in seconds since 1970; Lambda says `2026-11-22T21:40:00.000+0000`."""
    function = stacks.account.client("lambda").get_function_configuration(FunctionName=stacks.function_name)
    return datetime.strptime(function["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
