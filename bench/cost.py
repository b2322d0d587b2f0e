"""The cost of a photo and of an attendee's evening, from measurements and the workshop's price list."""

from workshop.takedown.cost import Usage, bill, prices

PHOTOS, HOURS, FACES_A_PHOTO = 20, 3, 6
"""An attendee's evening: photos sent, hours from deploy to destroy, faces on each photo."""


def evening(gb_seconds_a_photo: float, photo_bytes: int, image_bytes: int) -> str:
    """Both costs in US dollars at list prices, without free tiers, as a Markdown table.

    `photo_bytes` is the photo with its picture and result, `image_bytes` the image in ECR.
    """
    seconds = HOURS * 3600
    total = bill(
        Usage(
            photos=PHOTOS,
            analysed=PHOTOS,
            faces=PHOTOS * FACES_A_PHOTO,
            stored_bytes=PHOTOS * photo_bytes,
            image_bytes=image_bytes,
            log_bytes=PHOTOS * 1500,
            foundation_age=seconds,
            serverless_age=seconds,
            invocations=PHOTOS,
            gb_seconds=PHOTOS * gb_seconds_a_photo,
        ),
        prices(),
    )
    lines = [
        f"US dollars at list prices of {total.prices_of} ({total.region}), no free tier.",
        f"An evening is {PHOTOS} photos, {FACES_A_PHOTO} faces on each, {HOURS} hours from deploy to destroy.\n",
        "| | one more photo | an attendee's evening |",
        "|---|---|---|",
        *(f"| {line.what} | {line.per_hundred / 100:.6f} | {line.so_far:.6f} |" for line in total.lines),
        f"| **all** | **{total.per_hundred / 100:.5f}** | **{total.so_far:.4f}** |",
    ]
    return "\n".join(lines)
