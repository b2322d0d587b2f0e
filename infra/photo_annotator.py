"""The function that turns a photo into an annotated picture and a result."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.face_collection import FaceCollection
from infra.function_identity import FunctionIdentity
from infra.photo_store import RETRY_AFTER, PhotoStore
from infra.settings import PHOTO_TIMEOUT, Architecture, Package
from infra.zip_package import make_zip

IMAGE = Path(__file__).parents[1] / "lambda" / "photo_annotator"

IMAGE_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_ARENA_MAX": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What the Dockerfile's ENV sets, for the zip package. The Dockerfile gives the reasons; a test compares the two."""


class PhotoAnnotator(Construct):
    """The function that processes the inbox, one photo per invocation: a Docker image or a zip package.

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
        package: Package = "image",
    ) -> None:
        super().__init__(scope, id_)
        self.identity = FunctionIdentity(self, "Identity")
        photos.grant_reading_photos(self.identity.role)
        photos.grant_storing_results(self.identity.role)
        photos.grant_emptying_inbox(self.identity.role)
        faces.grant_indexing(self.identity.role)

        variables = {
            "PROCESSED_BUCKET": photos.processed.bucket_name,
            "COLLECTION_ID": faces.collection_id,
            "INBOX_URL": photos.inbox.queue_url,
            "RETRY_AFTER": ",".join(map(str, RETRY_AFTER)),
            "LONG_EDGE": str(long_edge),
        }
        properties: dict[str, Any] = {
            "description": "Annotates a photo with what Amazon Rekognition detects in its faces.",
            "architecture": _ARCHITECTURES[architecture],
            "timeout": Duration.seconds(PHOTO_TIMEOUT),
            "memory_size": memory,
            "role": self.identity.role,
            "log_group": self.identity.log_group,
        }
        self.function: lambda_.Function
        if package == "zip":
            with TemporaryDirectory() as folder:
                self.function = lambda_.Function(
                    self,
                    "Function",
                    runtime=lambda_.Runtime.PYTHON_3_13,
                    handler="annotator.handler.handle",
                    code=_zip(Stack.of(self), architecture, Path(folder, "function.zip")),
                    environment=IMAGE_ENVIRONMENT | variables,
                    **properties,
                )
        else:
            # By default Docker builds for the machine it runs on, and an image built on an Apple-silicon laptop would
            # not start in Lambda (aws/aws-cdk #31048). So one setting determines both.
            self.function = lambda_.DockerImageFunction(
                self,
                "Function",
                code=lambda_.DockerImageCode.from_image_asset(str(IMAGE), platform=_PLATFORMS[architecture]),
                environment=variables,
                **properties,
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


def _zip(stack: Stack, architecture: Architecture, package: Path) -> lambda_.Code:
    """The zip package, made at `package`; only the sources if this synth is not about the stack (`cdk destroy`)."""
    if not stack.bundling_required:
        return lambda_.Code.from_asset(str(IMAGE))
    return lambda_.Code.from_asset(str(package), asset_hash=make_zip(architecture, package))


_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}
_PLATFORMS = {"x86_64": ecr_assets.Platform.LINUX_AMD64, "arm64": ecr_assets.Platform.LINUX_ARM64}
