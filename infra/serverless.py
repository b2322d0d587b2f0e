"""Step 5: the function. `cdk deploy` builds its image with Docker, or its zip package without."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.foundation import FoundationStack
from infra.photo_annotator import PhotoAnnotator
from infra.settings import WorkshopSettings


class ServerlessStack(Stack):
    """The function that annotates every photo in the inbox. References point only from here to the foundation."""

    def __init__(
        self, scope: Construct, id_: str, *, foundation: FoundationStack, settings: WorkshopSettings, **stack: Any
    ) -> None:
        super().__init__(scope, id_, **stack)
        annotator = PhotoAnnotator(
            self,
            "Annotator",
            photos=foundation.photos,
            faces=foundation.faces,
            long_edge=settings.long_edge,
            memory=settings.memory,
            max_concurrency=settings.max_concurrency,
            architecture=settings.architecture,
            package=settings.package,
        )

        CfnOutput(self, "FunctionName", value=annotator.function.function_name)
        CfnOutput(self, "LogGroupName", value=annotator.identity.log_group.log_group_name)
        CfnOutput(self, "YourNextStep", value=settings.command("send YOUR-PHOTO.jpg"))
