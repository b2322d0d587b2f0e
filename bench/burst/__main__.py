"""`python -m bench.burst`: 500 photos within a minute, at 5 and at 50 IndexFaces a second, both designs; a table."""

import os
import time
from collections.abc import Callable, Sequence

import click

from bench.burst import original, ours
from bench.burst.measures import Played, median, percentile
from bench.burst.photos import photo, see_painted_faces
from bench.deployed import say
from local_aws.local import LocalAws

LATENCY = (0.4, 0.6)
"""Seconds that IndexFaces takes here; it took 0.3 to 1 s in what others have published."""

NEW_ACCOUNT = 10
"""Concurrent executions of a new account; older ones have 1,000."""

REGION_OF = {5.0: "ap-southeast-2", 50.0: "us-east-1"}
"""A region with that quota, so that the stacks choose their own settings for it."""

DESIGNS = ("workshop", "original")


@click.command(epilog="It takes about seven minutes; nothing is kept.")
@click.option("--photos", default=500, show_default=True, help="How many are uploaded.")
@click.option("--within", default=60.0, show_default=True, help="Seconds in which they are uploaded.")
@click.option("--quota", "quotas", multiple=True, default=(5.0, 50.0), show_default=True, help="IndexFaces a second.")
@click.option("--design", "designs", multiple=True, type=click.Choice(DESIGNS), default=DESIGNS, show_default=True)
@click.option("--concurrency", default=NEW_ACCOUNT, show_default=True, help="The account's concurrent executions.")
@click.option("--patience", default=900.0, show_default=True, help="Seconds to wait for the last outcome.")
def main(
    photos: int, within: float, quotas: Sequence[float], designs: Sequence[str], concurrency: int, patience: float
) -> None:
    """Play the burst and print a Markdown table; for example: python -m bench.burst --photos 60 --within 7"""
    before = _steadiness()
    say(f"Making {photos} photos")
    made = {f"photo-{number:05}.jpg": photo(number) for number in range(photos)}
    played = [
        play(design, made, quota=quota, within=within, patience=patience, concurrency=concurrency, say=say)
        for quota in quotas
        for design in designs
    ]
    say("")
    click.echo(
        f"{photos} photos of {sum(map(len, made.values())) / len(made) / 1e6:.1f} MB within {within:g} s; IndexFaces "
        f"takes {LATENCY[0]:g} to {LATENCY[1]:g} s, above its quota ThrottlingException; "
        f"{concurrency} concurrent executions.\n"
    )
    click.echo(table(played))
    click.echo(
        f"\nThe machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; making one photo took {before} before "
        f"and {_steadiness()} after. The emulator, Rekognition, the uploaders and all functions share it."
    )


def play(
    design: str,
    photos: dict[str, bytes],
    *,
    quota: float,
    within: float,
    patience: float,
    concurrency: int = NEW_ACCOUNT,
    say: Callable[[str], None] = lambda _line: None,
    latency: tuple[float, float] = LATENCY,
) -> Played:
    """One design under one burst, on a local AWS of its own."""
    region = REGION_OF.get(quota, "ap-southeast-2")
    with LocalAws(account_concurrency=concurrency) as aws, aws.adopted(region=region):
        see_painted_faces(aws)
        say(f"{design}, {quota:g}/s: deploying")
        if design == "workshop":
            stacks = ours.deploy(aws, region)
        else:
            queue = original.deploy(region)
        conditions = aws.rekognition.conditions
        conditions.clear()
        conditions.set_quota("IndexFaces", quota, code="ThrottlingException")
        conditions.set_latency("IndexFaces", latency)

        def tell(line: str) -> None:
            say(f"{design}, {quota:g}/s: {line}")

        if design == "workshop":
            return ours.play(aws, stacks, photos, quota=quota, within=within, patience=patience, say=tell)
        return original.play(aws, queue, photos, quota=quota, within=within, patience=patience, say=tell)


def table(played: Sequence[Played]) -> str:
    """One column a run, as Markdown."""
    rows: dict[str, Callable[[Played], str]] = {
        "workers": lambda run: run.workers,
        "**done**": lambda run: f"**{len(run.done)}**",
        "**lost**": lambda run: f"**{run.lost}**",
        "in the dead-letter queue": lambda run: str(run.dead_letters),
        "still waiting at the end": lambda run: str(run.waiting),
        "faces in the collection that no result names": lambda run: str(run.faces_unnamed),
        "faces that a result names, not in the collection": lambda run: str(run.faces_missing),
        "upload to result, median": lambda run: f"{median(run.latencies):.1f} s",
        "upload to result, 95 %": lambda run: f"{percentile(run.latencies, 0.95):.1f} s",
        "upload to result, worst": lambda run: f"{percentile(run.latencies, 1):.1f} s",
        "first upload to last result": lambda run: f"{run.drain:.1f} s",
        "what the quota alone allows": lambda run: f"{run.quota_alone:.1f} s",
        "**ratio**": lambda run: f"**{run.drain / run.quota_alone:.2f}**",
        "IndexFaces calls": lambda run: str(run.calls),
        "of them throttled": lambda run: f"{run.throttled} ({run.throttled / max(1, run.calls):.0%})",
        "invocations": lambda run: str(len(run.invocations)),
        "deliveries beyond the first": lambda run: str(run.begun_again),
        "time-outs": lambda run: str(run.timed_out),
        "refused for want of concurrency": lambda run: str(run.refused_for_concurrency),
        "most at once": lambda run: str(run.peak),
        "GB-seconds a photo": lambda run: f"{run.gb_seconds / len(run.uploaded):.2f}",
    }
    head = ["", *(f"{run.design}, {run.quota:g}/s" for run in played)]
    lines = [head, ["---", *("---:" for _ in played)]]
    lines += [[name, *(cell(run) for run in played)] for name, cell in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _steadiness(times: int = 25) -> str:
    """How long a fixed piece of work takes here, and how much that varies."""
    took = []
    photo(0)
    for _ in range(times):
        began = time.perf_counter()
        photo(0)
        took.append((time.perf_counter() - began) * 1000)
    return f"{median(took):.0f} ms (worst {max(took):.0f})"


if __name__ == "__main__":
    main()
