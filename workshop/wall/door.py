"""The door of the wall, from the organiser's side: opened, closed, and the address that guests scan."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from wall_door.cloud import Cloud
from wall_door.door import Settings
from wall_door.guests import SETTINGS_KEY

from workshop.aws.stacks import Stacks, outputs_of
from workshop.terminal.errors import WorkshopError, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def cloud(stacks: Stacks) -> Cloud:
    """What the door's function does in AWS, with the organiser's credentials."""
    s3, rekognition = stacks.account.client("s3"), stacks.account.client("rekognition")
    return Cloud(s3, rekognition, stacks.raw_bucket, stacks.processed_bucket, stacks.collection_id)


@dataclass(frozen=True, slots=True)
class Door:
    """The Wall stack's door: its settings in the processed bucket, and its address."""

    stacks: Stacks
    url: str

    @staticmethod
    def of(stacks: Stacks) -> "Door":
        """The door of these stacks; raises WorkshopError when the Wall stack is not deployed."""
        outputs = outputs_of(stacks.account, "Wall")
        if outputs is None:
            raise WorkshopError("The wall is not deployed.", f"Deploy it: {stacks.account.cdk('deploy Wall')}")
        return Door(stacks, outputs["DoorUrl"])

    def settings(self) -> Settings | None:
        """The evening's settings; None if the door was never open, or they have expired.

        `Cloud.settings` would take a refusal for that: its role may not list the bucket.
        """
        try:
            body = self._s3.get_object(Bucket=self.stacks.processed_bucket, Key=SETTINGS_KEY)["Body"].read()
            return Settings.from_json(body)
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise
        except ValueError as error:
            raise WorkshopError(f"{error}.".capitalize(), "Write new ones: emotions wall open --new-key") from None

    def open(self, until: datetime, photos: int, *, new_key: bool = False) -> Settings:
        """Open the door until then, for so many photos of this evening in all. Without `new_key`, the address stays."""
        before = None if new_key else self.settings()
        # 96 random bits; with the longest region's name, the address still fits a QR code of version 5.
        settings = Settings(before.key if before else secrets.token_urlsafe(12), until.astimezone(UTC), photos)
        self._write(settings)
        return settings

    def close(self) -> Settings | None:
        """Close the door at once; guests still see and remove their photos. None if it was never open."""
        settings = self.settings()
        if settings and settings.until > datetime.now(UTC):
            settings = replace(settings, until=datetime.now(UTC))
            self._write(settings)
        return settings

    def taken(self, settings: Settings) -> int:
        """How many photos were sent this evening; removed ones count, too."""
        return cloud(self.stacks).taken(settings.key)

    def address(self, settings: Settings) -> str:
        """What guests scan."""
        return f"{self.url}/?{settings.key}"

    def _write(self, settings: Settings) -> None:
        self._s3.put_object(
            Bucket=self.stacks.processed_bucket,
            Key=SETTINGS_KEY,
            Body=settings.to_json().encode(),
            ContentType="application/json",
        )

    @property
    def _s3(self) -> "S3Client":
        client: S3Client = self.stacks.account.client("s3")
        return client


def until_of(text: str, *, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> datetime:
    """The moment that a time of day such as `22:30` means: today, or tomorrow if it has passed.

    Raises ValueError for anything else.
    """
    time = datetime.strptime(text, "%H:%M").time()
    moment = now()
    until = moment.replace(hour=time.hour, minute=time.minute, second=0, microsecond=0)
    return until if until > moment else until + timedelta(days=1)
