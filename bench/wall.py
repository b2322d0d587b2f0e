"""`python -m bench.wall`: guests in a crowd, and strangers at the door, on the local AWS of a new account; tables.

Real are the stacks as synthesised, the door's function and the annotator in their hosts, IAM, the HTTP API's limits,
10 concurrent executions and 5 IndexFaces a second. Photos have painted faces, which need no networks to be found.
"""

import http.client
import json
import platform
import random
import secrets
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import click
from annotator.photo import filed_under
from wall_door.guests import photo_key

from bench.burst.measures import quota_alone
from bench.burst.photos import photo, see_painted_faces
from bench.deployed import say
from local_aws.guests import Answer, Guest
from local_aws.local import LocalAws
from local_aws.wall import Wall, wall_up
from tests.reliability.faulty_s3 import Fault, FaultyS3, Kind, Request
from workshop.aws.stacks import Stacks
from workshop.wall.board import Card

QUOTA, LATENCY = 5.0, (0.3, 0.7)
"""IndexFaces calls a second, and seconds that each takes."""

PATIENCE = 300.0


@dataclass
class Visit:
    """One guest's evening, in seconds since 1970; None for what did not happen."""

    guest: Guest
    shutter: float
    stored: float | None = None
    seen: float | None = None
    on_wall: float | None = None


class Projector:
    """A projector page: when each card first arrived, and how often each appears in one state."""

    def __init__(self, wall: Wall) -> None:
        self.arrived: dict[str, float] = {}
        self.twice = 0
        self._port = wall.server.server_port
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", "/events/projector")
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                ids = [card["id"] for card in json.loads(line[6:])["cards"]]
                self.twice += len(ids) - len(set(ids))
                for id_ in ids:
                    self.arrived.setdefault(id_, time.time())


def crowd(wall: Wall, guests: int, within: float) -> tuple[list[Visit], Projector]:
    """So many guests press the shutter evenly within so many seconds."""
    projector = Projector(wall)
    photos = {number: photo(secrets.randbelow(10**9), width=1536, height=1152) for number in range(guests)}
    began = time.time()

    def come(number: int) -> Visit:
        shutter = began + number * within / guests
        time.sleep(max(0, shutter - time.time()))
        visit = Visit(Guest(wall.entrance, photos[number]), time.time())
        if visit.guest.send().status in (200, 201):
            visit.stored = time.time()
            if visit.guest.result(PATIENCE).get("picture") and visit.guest.picture().status == 200:
                visit.seen = time.time()
        return visit

    with ThreadPoolExecutor(guests) as threads:
        visits = list(threads.map(come, range(guests)))
    time.sleep(3)
    for visit in visits:
        # What the projector calls a guest's card depends on the ticket alone.
        visit.on_wall = projector.arrived.get(Card(visit.guest.ticket, None, None).id)  # type: ignore[arg-type]
    return visits, projector


def crowd_row(wall: Wall, guests: int, within: float) -> str:
    """One line of the crowd's table."""
    say(f"{guests} guests within {within:g} s")
    visits, projector = crowd(wall, guests, within)
    seen = [visit.seen - visit.shutter for visit in visits if visit.seen]
    shown = [visit.on_wall - visit.shutter for visit in visits if visit.on_wall]
    stored = [visit.stored for visit in visits if visit.stored]
    last = max((visit.seen for visit in visits if visit.seen), default=0) - min(visit.shutter for visit in visits)
    alone = quota_alone(stored, QUOTA) + min(stored) - min(visit.shutter for visit in visits)
    tries = sum(visit.guest.tries for visit in visits)
    return (
        f"| {guests} within {within:g} s | {len(seen)} | {len(shown)} | {projector.twice} | {tries} | {spread(seen)} "
        f"| {spread(shown)} | {last:.1f} s | {alone:.1f} s | **{last / alone:.2f}** |"
    )


def spread(values: Sequence[float]) -> str:
    """Median, 95th percentile and worst, in seconds."""
    if len(values) < 2:
        return "-"
    ranks = statistics.quantiles(values, n=20)
    return f"{statistics.median(values):.1f} / {ranks[-1]:.1f} / {max(values):.1f} s"


Attack = tuple[str, Callable[[], Counter[str]]]


def attacks(wall: Wall) -> Iterator[Attack]:
    """What strangers and guests with bad intentions try, each with the door's answers."""
    entrance = wall.entrance
    key, jpeg = entrance.key, photo(1, width=400, height=300)
    victim = Guest(entrance, jpeg)
    victim.send()
    headers = {"X_Consent": "analyse", "Content_Type": "application/octet-stream"}

    def ticket() -> str:
        return f"show-{secrets.token_hex(16)}"

    def post(body: bytes, *, query: str = key, **more: str) -> Answer:
        return entrance.ask("POST", f"/photos?{query}", body, **({"X_Ticket": ticket()} | headers | more))

    def answers(*asked: Callable[[], Answer]) -> Counter[str]:
        return Counter(_shape(one) for one in asked)

    wrong_keys = ["", "x", key[:-1], key + "x", key.swapcase(), f"{key}%00", f"%20{key}", f"key={key}"]
    yield "no key, an old one, almost the key", lambda: answers(*(lambda q=q: post(jpeg, query=q) for q in wrong_keys))
    yield (
        "1,000 guessed tickets",
        lambda: _paced(1000, 40, lambda _number: entrance.ask("GET", f"/photos/{ticket()}")),
    )
    guesses = [
        victim.ticket.replace("show", "keep"),
        victim.ticket.upper(),
        victim.ticket[:-1] + "g",
        f"{victim.ticket}/",
    ]
    yield (
        "another's ticket, changed",
        lambda: answers(*(lambda t=t: entrance.ask("GET", f"/photos/{t}") for t in guesses)),
    )
    yield (
        "another's ticket, to overwrite its photo",
        lambda: answers(lambda: post(jpeg + b"mine", X_Ticket=victim.ticket)),
    )
    types = [
        b"<html><script>alert(1)</script>",
        b"<svg onload=alert(1)>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"MZ",
        b"{}",
        b"",
    ]
    yield "wrong types", lambda: answers(*(lambda b=b: post(b) for b in types))
    polyglot = jpeg + b"<script>alert(1)</script>PK\x03\x04"
    yield "a JPEG that is a page and a ZIP as well", lambda: answers(lambda: post(polyglot))
    paths = [
        "/photos/..%2f..%2fwall%2fdoor.json",
        "/photos/%2e%2e/",
        "//photos",
        "/photos/a/b",
        "/wall/door.json",
        "/$default/",
    ]
    yield "path tricks", lambda: answers(*(lambda p=p: entrance.ask("GET", p) for p in paths))
    injected = {"X_Ticket": f"{victim.ticket}%0d%0aSet-Cookie:x"}
    yield "header injection", lambda: answers(lambda: post(jpeg, **injected))
    sizes = [4 * 1024**2 + 1, 6_000_000, 100_000_000]
    yield (
        "bodies of 4 MB and a byte, 6 MB, 100 MB",
        lambda: answers(*(lambda s=s: post(jpeg.ljust(s, b"0")) for s in sizes)),
    )
    yield "100 bodies that stop in the middle", lambda: _slow_bodies(wall, 100)
    yield "10,000 requests, as fast as this machine can", lambda: _flood(wall, 10_000)
    time.sleep(3)
    yield "40 photos from one phone, above the evening's number", lambda: answers(*[lambda: post(jpeg)] * 40)

    def replay() -> Answer:
        wall.server.evening.door.close()
        return post(jpeg)

    yield "a request again after the close", lambda: answers(replay)
    assert victim.picture().body[:2] == b"\xff\xd8", "the victim's photo was changed"


def _shape(ask: Callable[[], Answer]) -> str:
    try:
        answer = ask()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    document = answer.document()
    words = document.get("error") or document.get("message") or ("stored" if "ticket" in document else "")
    return f"{answer.status} {words}".strip()


def _paced(number: int, rate: float, ask: Callable[[int], Answer]) -> Counter[str]:
    began = time.monotonic()

    def one(at: int) -> str:
        time.sleep(max(0, began + at / rate - time.monotonic()))
        return _shape(lambda: ask(at))

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(one, range(number)))


def _flood(wall: Wall, number: int) -> Counter[str]:
    with ThreadPoolExecutor(16) as threads:
        return Counter(threads.map(lambda _: _shape(lambda: wall.entrance.ask("GET", "/?guess")), range(number)))


def _slow_bodies(wall: Wall, number: int) -> Counter[str]:
    """Connections that announce a photo, send a little of it, and wait. Meanwhile an honest guest is served."""
    url = urlsplit(wall.entrance.address)
    open_ones = []
    for _ in range(number):
        connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=5)
        connection.putrequest("POST", f"/photos?{url.query}", skip_host=True)
        connection.putheader("Host", url.netloc)
        connection.putheader("Content-Length", "4000000")
        connection.endheaders(b"\xff\xd8\xff")
        open_ones.append(connection)
    honest = _shape(lambda: wall.entrance.ask("GET", f"/?{url.query}"))
    for connection in open_ones:
        connection.close()
    return Counter({f"an honest guest: {honest}": 1})


def faults(wall: Wall, guests: int = 20) -> str:
    """Guests while the door's S3 and Rekognition fail by chance and the door is killed; then half of them leave."""
    chance = random.Random(1)
    kinds: list[Kind] = ["killed after", "killed before", "lost answer", "500", "503", "reset"]
    befell: Counter[str] = Counter()

    def decide(request: Request) -> Fault | None:
        if not failing or chance.random() > (0.3 if request.method == "PUT" else 0.03):
            return None
        kind = chance.choice(kinds)
        befell[kind] += 1
        return Fault(kind)

    stacks, failing = wall.server.evening.board.stacks, True
    functions = stacks.account.client("lambda")
    (door,) = (
        each["FunctionName"] for each in functions.list_functions()["Functions"] if "Wall-Door" in each["FunctionName"]
    )
    variables = functions.get_function_configuration(FunctionName=door)["Environment"]["Variables"]
    with FaultyS3(wall.aws.emulator.url, decide) as faulty, ThreadPoolExecutor(8) as threads:
        changed = {"Variables": variables | {"AWS_ENDPOINT_URL_S3": faulty.url}}
        functions.update_function_configuration(FunctionName=door, Environment=changed)
        come = [Guest(wall.entrance, photo(10**6 + number, width=400, height=300)) for number in range(guests)]
        sent = Counter(answer.status for answer in threads.map(Guest.send, come))
        seen = sum(bool(result.get("picture")) for result in threads.map(Guest.result, come))
        leaving = come[::2]
        removed = Counter(threads.map(_removed, leaving))
        failing = False
        left = [guest for guest in leaving if any(Counter(_kept(stacks, guest.ticket)).values())]
        kept = [_kept(stacks, guest.ticket) for guest in come[1::2]]
    functions.update_function_configuration(FunctionName=door, Environment={"Variables": variables})
    told = ", ".join(f"{count} x {kind}" for kind, count in befell.most_common())
    return (
        f"{guests} guests while these befell the door's calls to S3: {told}. Answers in the end: {dict(sent)}; "
        f"{sum(guest.tries for guest in come)} requests to send; {seen} saw their picture. "
        f"{len(leaving)} removed theirs ({dict(removed)}), and something was left of {len(left)}. Of the others, "
        f"{sum(each['versions'] == 1 for each in kept)} of {len(kept)} are stored once."
    )


def _removed(guest: Guest) -> str:
    """As the page does: again after an answer that was lost, until there is nothing."""
    for attempt in range(8):
        with suppress(OSError, http.client.HTTPException):
            if guest.remove().status == 404:
                return "nothing left"
        time.sleep(0.3 * attempt)
    return "gave up"


def _kept(stacks: Stacks, ticket: str) -> dict[str, int]:
    """What AWS has of a photo, asked without the code under test."""
    s3, rekognition = stacks.account.client("s3"), stacks.account.client("rekognition")
    versions = s3.list_object_versions(Bucket=stacks.raw_bucket, Prefix=photo_key(ticket))
    objects = s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket)
    pages = rekognition.get_paginator("list_faces").paginate(CollectionId=stacks.collection_id)
    beginning = filed_under(stacks.raw_bucket, photo_key(ticket))
    return {
        "versions": len(versions.get("Versions", []) + versions.get("DeleteMarkers", [])),
        "objects": sum(ticket in each["Key"] for page in objects for each in page.get("Contents", [])),
        "faces": sum(face["ExternalImageId"].startswith(beginning) for page in pages for face in page["Faces"]),
    }


def _prepare(aws: LocalAws) -> None:
    see_painted_faces(aws)
    aws.rekognition.conditions.set_quota("IndexFaces", QUOTA, code="ThrottlingException")
    aws.rekognition.conditions.set_latency("IndexFaces", LATENCY)


@click.command()
@click.option(
    "--crowd", "crowds", type=(int, float), multiple=True, default=((60, 60), (60, 5), (300, 600)), show_default=True,
    help="So many guests within so many seconds.",
)  # fmt: skip
@click.option("--crowds/--no-crowds", "crowded", default=True, show_default=True)
@click.option("--attacks/--no-attacks", "attacked", default=True, show_default=True)
@click.option("--faults/--no-faults", "faulty", default=True, show_default=True)
def main(crowds: Sequence[tuple[int, float]], crowded: bool, attacked: bool, faulty: bool) -> None:
    """Guests in a crowd, strangers at the door, and guests while everything fails by chance."""
    if crowded:
        print_crowds(crowds)
    if attacked:
        print_attacks()
    if faulty:
        with wall_up(photos=1000, before=_prepare) as wall:
            print(f"\n{faults(wall)}")


def print_crowds(crowds: Sequence[tuple[int, float]]) -> None:
    """A table with one line for each crowd, each on a wall of its own."""
    rows = []
    for guests, within in crowds:
        with wall_up(approval=False, photos=1000, before=_prepare) as wall:
            Guest(wall.entrance, photo(0, width=400, height=300)).send()  # both functions are warm
            time.sleep(8)
            rows.append(crowd_row(wall, guests, within))
    print(f"{platform.machine()}, Python {platform.python_version()}; median / 95th percentile / worst\n")
    print(
        "| guests | saw their picture | on the projector | twice | requests to send | shutter to own picture "
        "| shutter to projector | until all were done | the quota alone | ratio |"
    )
    print("|---" * 10 + "|")
    print("\n".join(rows))


def print_attacks() -> None:
    """A table with one line for each attack."""
    print("\n| attack | the door's answers |\n|---|---|")
    with wall_up(photos=40, before=_prepare) as wall:
        for name, attack in attacks(wall):
            say(name)
            told = ", ".join(f"{count} x {answer}" for answer, count in sorted(attack().items()))
            print(f"| {name} | {told} |", flush=True)
        stored = _stored(wall)
    print(f"\nStored in the end: {stored}.")


def _stored(wall: Wall) -> dict[str, Any]:
    stacks = wall.server.evening.board.stacks
    versions = stacks.account.client("s3").list_object_versions(Bucket=stacks.raw_bucket)["Versions"]
    keys = sorted(version["Key"] for version in versions)
    return {"photos": len(keys), "overwritten": sum(one == other for one, other in pairwise(keys))}


if __name__ == "__main__":
    main()
