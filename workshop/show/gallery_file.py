"""The gallery as a file on this computer: whose pictures, at which addresses, and how long these work."""

import base64
import webbrowser
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from annotator.result import Picture, Result
from wall_door.guests import ticket_of

from workshop.aws.links import clock, link_to, what_ends_sooner
from workshop.aws.results import upload_time
from workshop.aws.stacks import Stacks
from workshop.show import gallery
from workshop.terminal.console import err, out, plain, print_prose
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError

Found = Sequence[tuple[Stacks, Sequence[Result]]]
"""The stacks of each attendee who is on the page, with their results."""


def write(found: Found, output: Path, *, expires: timedelta, embed: bool, open_it: bool, attendees_names: bool) -> None:
    """Write the page to `output`, say what is on it and until when, and open it in the browser if asked to.

    Pictures have the names of their attendees, or of their photos. Pictures of the wall's guests stay out: some of
    them only their guest may see, and an address would hold the guest's ticket. Raises WorkshopError if the file cannot
    be written.
    """
    now = datetime.now(UTC)
    every = sorted((result for _, of_one in found for result in of_one), key=upload_time, reverse=True)
    results = [result for result in every if ticket_of(result.raw.key) is None]
    attendee_of = {stacks.raw_bucket: stacks.account.attendee for stacks, _ in found}

    def name(result: Result) -> str:
        return attendee_of[result.raw.bucket] if attendees_names else gallery.name_of(result)

    ends = None if embed or not results else _links_end(found, expires, now)
    address = _embedded_in(found) if embed else _linked_from(found, expires, now)
    page = gallery.page(
        results, address, made=now.astimezone(), links_end=ends.astimezone() if ends else None, name=name
    )
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise WorkshopError(
            f"{output} cannot be written: {error.strerror}.", "Choose another place with --output."
        ) from None
    print_prose(err, _summary(results, ends))
    if guests := len(every) - len(results):
        print_prose(err, f"Without {counted(guests, 'photo')} of the wall's guests: see `emotions wall download`.")
    if ends and (sooner := what_ends_sooner(found[0][0], expires)):
        print_prose(err, sooner)
    out.print(plain(output), soft_wrap=True)
    address_of_page = output.resolve().as_uri()
    if open_it and not webbrowser.open(address_of_page):
        err.print(f"No browser could be opened. Open this address yourself: {address_of_page}", soft_wrap=True)


def _linked_from(found: Found, expires: timedelta, now: datetime) -> Callable[[Picture], str]:
    """Presigned links, each signed by the attendee's own account."""
    account_of = {stacks.processed_bucket: stacks.account for stacks, _ in found}

    def address(picture: Picture) -> str:
        return link_to(account_of[picture.bucket], picture.bucket, picture.key, expires, now=now).url

    return address


def _links_end(found: Found, expires: timedelta, now: datetime) -> datetime:
    """When the first links end. Those of one account end together, so any bucket and key will do."""
    return min(link_to(stacks.account, "any", "any", expires, now=now).ends for stacks, _ in found)


def _embedded_in(found: Found) -> Callable[[Picture], str]:
    """The pictures themselves, as data URIs."""
    account_of = {stacks.processed_bucket: stacks.account for stacks, _ in found}

    def address(picture: Picture) -> str:
        s3 = account_of[picture.bucket].client("s3")
        jpeg = s3.get_object(Bucket=picture.bucket, Key=picture.key)["Body"].read()
        return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()

    return address


def _summary(results: Sequence[Result], ends: datetime | None) -> str:
    if not results:
        return "There are no results yet; the page says so."
    without = sum(not result.faces for result in results)
    every = counted(len(results), "photo") + (f" ({without} without a face)" if without else "")
    if ends is None:
        return f"{every}, stored in the page. Delete the file when you no longer need it."
    return f"{every}; the links in the page work until {clock(ends)}."
