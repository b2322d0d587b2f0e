"""Steps 1 to 4: all resources with state. Deploys in about a minute and needs no Docker."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from infra.face_collection import FaceCollection
from infra.photo_store import PhotoStore
from infra.settings import PHOTO_TIMEOUT, WorkshopSettings


class FoundationStack(Stack):
    """The buckets, the inbox and the collection. Photos wait in the inbox until the Serverless stack is deployed."""

    def __init__(self, scope: Construct, id_: str, *, settings: WorkshopSettings, **stack: Any) -> None:
        super().__init__(scope, id_, **stack)
        self.photos = PhotoStore(
            self, "Photos", keep_days=settings.keep_days, processing_timeout=Duration.seconds(PHOTO_TIMEOUT)
        )
        self.faces = FaceCollection(self, "Faces", tags=settings.all_tags)

        CfnOutput(self, "RawBucket", value=self.photos.raw.bucket_name)
        CfnOutput(self, "ProcessedBucket", value=self.photos.processed.bucket_name)
        CfnOutput(self, "CollectionId", value=self.faces.collection_id)
        CfnOutput(self, "InboxUrl", value=self.photos.inbox.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=self.photos.dead_letters.queue_url)
        # The CDK CLI sorts outputs by name; the last one is what people see.
        CfnOutput(self, "YourNextStep", value=settings.command("upload YOUR-PHOTO.jpg"))
