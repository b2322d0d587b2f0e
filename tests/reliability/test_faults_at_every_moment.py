"""Faults at every moment: in the end, the newest version has one result, and older versions have no output."""

import random
import threading
from types import SimpleNamespace

import pytest
from annotator.drawing import draw

from tests.reliability.moments import (
    AFTER_THE_LOOK,
    DAMAGED,
    MOMENTS,
    NEW,
    NO_PHOTO,
    OVER_ANOTHER,
    PNG,
    TRIES,
    A,
    B,
    World,
    assert_settled,
    disconnected,
    killed,
)

BODIES = {"JPEG": A, "PNG": PNG, "damaged": DAMAGED, "no photo": NO_PHOTO}
each_moment = pytest.mark.parametrize("moment", NEW, ids="-".join)
each_moment_and_before = pytest.mark.parametrize(
    ("moment", "before"),
    [*((moment, None) for moment in NEW), *((moment, B) for moment in OVER_ANOTHER)],
    ids=[
        *(f"{'-'.join(moment)}-new" for moment in NEW),
        *(f"{'-'.join(moment)}-over another" for moment in OVER_ANOTHER),
    ],
)
each_order = pytest.mark.parametrize("order", [0, -1], ids=["oldest first", "newest first"])


@pytest.fixture(autouse=True)
def one_drawing_at_a_time(monkeypatch):
    """OpenCV's text drawing is not thread-safe; in AWS each process draws one photo at a time."""
    turn = threading.Lock()

    def in_turn(*arguments):
        with turn:
            return draw(*arguments)

    monkeypatch.setattr("annotator.imaging.draw", in_turn)


def world_with(body, before=None, tries=1):
    """A world with an uploaded `body`, optionally over a finished version `before`."""
    world = World(tries)
    if before:
        world.put(before)
        world.settle()
    world.outcomes.clear()
    return world, world.put(body)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@each_moment_and_before
def test_a_killed_function(moment, body, before):
    world, _ = world_with(body, before)
    world.plan(moment, killed)
    world.settle()
    assert_settled(world, body)
    assert len(world.outcomes) <= 2


@pytest.mark.parametrize("body", [A, DAMAGED], ids=["JPEG", "damaged"])
@each_moment_and_before
def test_a_connection_that_breaks(moment, body, before):
    world, _ = world_with(body, before)
    world.plan(moment, disconnected)
    world.settle()
    assert_settled(world, body)
    assert len(world.outcomes) <= 2


@each_moment_and_before
def test_a_broken_connection_costs_no_second_delivery(moment, before, monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    world, _ = world_with(A, before, tries=2)
    world.plan(moment, disconnected)
    world.settle()
    assert_settled(world, A)
    assert world.outcomes == ["annotated"]


@each_moment
def test_a_second_delivery_in_the_middle(moment):
    world, message = world_with(A)
    world.plan(moment, lambda: world.deliver(world.announce_again(message)))
    world.settle()
    assert_settled(world, A)


@each_order
@pytest.mark.parametrize("newer", [B, NO_PHOTO], ids=["JPEG", "no photo"])
@each_moment
def test_a_newer_version_with_a_delayed_event(moment, newer, order):
    world, _ = world_with(A)
    world.plan(moment, lambda: world.put(newer))
    world.settle(order)
    assert_settled(world, newer)


@pytest.mark.parametrize("newer", [B, NO_PHOTO], ids=["JPEG", "no photo"])
@each_moment
def test_a_newer_version_that_overtakes(moment, newer):
    world, _ = world_with(A)
    world.plan(moment, lambda: world.deliver(world.put(newer)))
    world.settle()
    assert_settled(world, newer)


@each_moment
def test_a_newer_version_that_overtakes_a_killed_function(moment):
    world, _ = world_with(A)

    def overtaken_and_killed():
        world.deliver(world.put(B))
        killed()

    world.plan(moment, overtaken_and_killed)
    world.settle()
    assert_settled(world, B)


@each_order
@pytest.mark.parametrize("middle", ["waits", "is seen to"])
@each_moment
def test_another_version_and_back_at_the_same_moment(moment, middle, order):
    """A, B, then A again, with the same ETag as the first."""
    world, _ = world_with(A)

    def there_and_back():
        other = world.put(B)
        if middle == "is seen to":
            world.deliver(other)
        world.put(A)

    world.plan(moment, there_and_back)
    world.settle(order)
    assert_settled(world, A)


@pytest.mark.parametrize("back", MOMENTS[2:], ids="-".join)
@pytest.mark.parametrize("moment", MOMENTS[:9], ids="-".join)
def test_another_version_and_back_at_two_moments(moment, back):
    world, _ = world_with(A)
    world.plan(moment, lambda: world.put(B))
    world.plan(back, lambda: world.put(A))
    world.settle()
    assert_settled(world, world.current())


@each_order
@pytest.mark.parametrize("middle", [B, NO_PHOTO], ids=["JPEG", "no photo"])
@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_back_to_the_version_before(moment, middle, order):
    """A is done; while B is being looked at A comes back, and is seen to before B is done."""
    world, _ = world_with(middle, before=A)
    world.plan(moment, lambda: world.deliver(world.put(A)))
    world.settle(order)
    assert_settled(world, A if world.happened else middle)


@pytest.mark.parametrize("newer", [B, NO_PHOTO], ids=["JPEG", "no photo"])
@each_moment
def test_a_newer_version_that_overtakes_a_function_killed_twice(moment, newer):
    world, message = world_with(A)

    def overtaken():
        world.deliver(world.put(newer))

    world.plan(moment, overtaken)
    world.plan(("PutObject pictures", "after"), killed)
    world.deliver(message)
    world.plan(moment, killed)
    world.settle()
    assert_settled(world, world.current())


def test_a_duplicate_between_the_versions():
    world, first = world_with(A)
    world.settle()
    world.put(B)
    world.deliver(world.announce_again(first))
    world.put(A)
    world.settle()
    assert_settled(world, A)


@pytest.mark.parametrize("goes", ["delete", "erase"])
@each_moment_and_before
def test_a_photo_that_is_deleted(moment, before, goes):
    """Deleted by a delete marker, or with all versions erased."""
    world, message = world_with(A, before)
    world.plan(moment, getattr(world, goes))
    world.settle()
    if moment in AFTER_THE_LOOK:
        # It was done before it was deleted, so its result is still there. A duplicate removes it, as `forget` does.
        assert world.result()
        world.deliver(world.announce_again(message))
    assert_settled(world, None)


@each_moment
def test_a_photo_that_is_deleted_and_uploaded_again(moment):
    world, _ = world_with(A)

    def deleted_and_again():
        world.delete()
        world.put(B)

    world.plan(moment, deleted_and_again)
    world.settle()
    assert_settled(world, B)


def test_a_duplicate_delivery_cleans_up_after_a_deleted_photo():
    world, first = world_with(A)
    world.settle()
    world.delete()
    assert world.deliver(world.announce_again(first)) == "deleted"
    assert_settled(world, None)


def test_a_redriven_dead_letter_is_annotated():
    """Until then, its faces stay in the collection; `forget` and `redrive` remove or report them."""
    world, message = world_with(A)
    for _ in range(TRIES):
        world.plan(("PutObject pictures", "before"), disconnected)
        world.deliver(message)
    assert world.dead_letters == [message]
    assert (world.result(), world.picture(), len(world.collection)) == (None, None, 1)
    assert world.operations().count("IndexFaces") == TRIES

    world.dead_letters.clear()
    world.received.clear()
    assert world.deliver(message) == "annotated"
    assert_settled(world, A)


def test_a_redriven_dead_letter_of_a_deleted_photo_removes_faces():
    world, message = world_with(A)
    for _ in range(TRIES):
        world.plan(("PutObject results", "before"), disconnected)
        world.deliver(message)
    world.delete()
    world.dead_letters.clear()
    assert world.deliver(message) == "deleted"
    assert_settled(world, None)


@pytest.mark.parametrize("seed", range(4))
def test_any_history_of_a_photo_ends_with_its_newest_version(seed):
    """Random uploads, deletions, duplicates, kills and broken connections, delivered in any order."""
    chance = random.Random(seed)
    for _ in range(20):
        world = World()
        announced = [world.put(chance.choice((A, B)))]

        def something(world=world, announced=announced):
            happening = chance.choice(("put", "put", "remove", "killed", "disconnected", "duplicate"))
            if happening == "put":
                announced.append(world.put(chance.choice((A, B, PNG, NO_PHOTO, DAMAGED))))
            elif happening == "remove":
                world.delete()
            elif happening == "killed":
                killed()
            elif happening == "disconnected":
                disconnected()
            else:
                world.deliver(world.announce_again(chance.choice(announced)))

        for moment in chance.sample(MOMENTS, 3):
            world.plan(moment, something)
        while world.inbox:
            world.deliver(chance.choice(world.inbox))
        if world.current() is None:
            # If a photo is deleted after it was finished, duplicates remove its output.
            world.inbox += [world.announce_again(message) for message in announced]
            world.settle()
        assert_settled(world, world.current())
