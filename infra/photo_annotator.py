"""The function that turns a photo into an annotated picture and a result."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.face_collection import FaceCollection
from infra.function_identity import FunctionIdentity
from infra.photo_store import RETRY_AFTER, PhotoStore
from infra.settings import PHOTO_TIMEOUT, Architecture

IMAGE = Path(__file__).parents[1] / "lambda" / "photo_annotator"


class PhotoAnnotator(Construct):
    """A Docker-image function that processes the inbox, one photo per invocation.

    A photo that crashes the function or times out therefore affects no other photo. The event source's maximum
    concurrency limits the load. There is no reserved concurrency: a new account has 10 concurrent executions in all,
    so reserving any would make the deployment fail.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        photos: PhotoStore,
        faces: FaceCollection,
        long_edge: int,
        memory: int,
        max_concurrency: int,
        architecture: Architecture,
    ) -> None:
        super().__init__(scope, id_)
        self.identity = FunctionIdentity(self, "Identity")
        photos.grant_reading_photos(self.identity.role)
        photos.grant_storing_results(self.identity.role)
        photos.grant_emptying_inbox(self.identity.role)
        faces.grant_indexing(self.identity.role)

        function_architecture, image_platform = _ARCHITECTURES[architecture]
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            description="Annotates a photo with what Amazon Rekognition detects in its faces.",
            # By default Docker builds for the machine it runs on, and an image built on an Apple-silicon laptop would
            # not start in Lambda (aws/aws-cdk #31048). So one setting determines both.
            architecture=function_architecture,
            code=lambda_.DockerImageCode.from_image_asset(str(IMAGE), platform=image_platform),
            timeout=Duration.seconds(PHOTO_TIMEOUT),
            memory_size=memory,
            environment={
                "PROCESSED_BUCKET": photos.processed.bucket_name,
                "COLLECTION_ID": faces.collection_id,
                "INBOX_URL": photos.inbox.queue_url,
                "RETRY_AFTER": ",".join(map(str, RETRY_AFTER)),
                "LONG_EDGE": str(long_edge),
            },
            role=self.identity.role,
            log_group=self.identity.log_group,
        )
        lambda_.EventSourceMapping(
            self,
            "Inbox",
            target=self.function,
            event_source_arn=photos.inbox.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=max_concurrency,
        )


_ARCHITECTURES = {
    "x86_64": (lambda_.Architecture.X86_64, ecr_assets.Platform.LINUX_AMD64),
    "arm64": (lambda_.Architecture.ARM_64, ecr_assets.Platform.LINUX_ARM64),
}
