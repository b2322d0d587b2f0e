"""The wall, optional: a door to the internet through which guests send photos. `cdk deploy Wall` after Serverless.

An HTTP API passes requests to one small function, which stores guests' photos in the raw bucket and answers with their
results. The organiser's laptop shows the wall; nothing of it runs here.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_cdk import CfnOutput, Duration, Fn, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.foundation import FoundationStack
from infra.function_identity import FunctionIdentity
from infra.settings import WorkshopSettings

CODE = Path(__file__).parents[1] / "lambda"

SHARED = ("__init__.py", "faces.py", "formats.py", "photo.py", "result.py", "drawing/words.py")
"""The annotator's modules that the door uses: the standard library is enough for them."""

REQUESTS_A_SECOND, REQUESTS_AT_ONCE = 20, 20
"""Of each route without a limit of its own. Where more phones wait for a result, each asks less often: a door that is
asked more would take the annotator's share of a new account's 10 concurrent executions."""

PHOTOS_A_SECOND, PHOTOS_AT_ONCE = 5, 5
"""As many as Rekognition takes in most regions. A room that takes its selfies together waits on its phones, which try
again, instead of in the inbox."""

PICTURES_A_SECOND, PICTURES_AT_ONCE = 10, 10
"""Sending pictures is what costs most. A stranger cannot fetch one, but a guest could fetch their own without end."""

REMOVALS_A_SECOND, REMOVALS_AT_ONCE = 2, 5
"""Each removal reads the names of all faces in the collection."""


class WallStack(Stack):
    """The door. References point only from here to the foundation."""

    def __init__(
        self, scope: Construct, id_: str, *, foundation: FoundationStack, settings: WorkshopSettings, **stack: Any
    ) -> None:
        super().__init__(scope, id_, **stack)
        identity = FunctionIdentity(self, "Identity")
        self._grant_guests_photos(identity.role, foundation)
        photos = foundation.photos
        with TemporaryDirectory() as folder:
            door = lambda_.Function(
                self,
                "Door",
                description="The wall's door: takes guests' photos, and shows and removes them.",
                runtime=lambda_.Runtime.PYTHON_3_13,
                code=lambda_.Code.from_asset(_door_code(Path(folder))),
                handler="wall_door.handler.handle",
                # An HTTP API waits 30 seconds at most (API Gateway, "Quotas for HTTP APIs").
                timeout=Duration.seconds(29),
                # Lambda gives processor time by memory, and a guest waits for the first answer of a cold start.
                memory_size=1024,
                environment={
                    # From the ARN, which Foundation exports already: its name would be one more export.
                    "RAW_BUCKET": Fn.select(5, Fn.split(":", photos.raw.bucket_arn)),
                    "PROCESSED_BUCKET": photos.processed.bucket_name,
                    "COLLECTION_ID": foundation.faces.collection_id,
                    "KEEP_DAYS": str(settings.keep_days),
                },
                role=identity.role,
                log_group=identity.log_group,
            )
        api = self._api(door)

        CfnOutput(self, "DoorUrl", value=api.api_endpoint)
        CfnOutput(self, "DoorLogGroupName", value=identity.log_group.log_group_name)
        CfnOutput(self, "YourNextStep", value=settings.command("wall open --until 22:30 --photos 300"))

    def _grant_guests_photos(self, role: iam.Role, foundation: FoundationStack) -> None:
        """Lets the door write and delete guests' photos, but not read them; and read and delete what became of them."""
        raw, processed = foundation.photos.raw, foundation.photos.processed
        photos = raw.arn_for_objects("wall/*")
        made = [processed.arn_for_objects(f"{folder}/wall/*") for folder in ("pictures", "results")]
        taken = processed.arn_for_objects("wall/taken/*")
        for actions, resources, prefixes in (
            (["s3:PutObject", "s3:DeleteObjectVersion"], [photos], None),
            (["s3:ListBucketVersions"], [raw.bucket_arn], ["wall/*"]),
            (["s3:GetObject", "s3:DeleteObject"], made, None),
            (["s3:GetObject"], [processed.arn_for_objects("wall/door.json")], None),
            (["s3:PutObject"], [taken], None),
            (["s3:ListBucket"], [processed.bucket_arn], ["pictures/wall/*", "results/wall/*", "wall/taken/*"]),
        ):
            conditions = {"StringLike": {"s3:prefix": prefixes}} if prefixes else None
            role.add_to_principal_policy(
                iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
            )
        foundation.faces.grant_removing(role)

    def _api(self, door: lambda_.Function) -> apigateway.HttpApi:
        api = apigateway.HttpApi(
            self, "Api", api_name=self.stack_name, description="The wall's door", create_default_stage=False
        )
        integration = integrations.HttpLambdaIntegration("Door", door, scope_permission_to_route=False)
        method = apigateway.HttpMethod
        for path, methods in (
            ("/", [method.GET]),
            ("/photos", [method.POST]),
            ("/photos/{id}", [method.GET, method.DELETE]),
            ("/photos/{id}/picture", [method.GET]),
        ):
            api.add_routes(path=path, methods=methods, integration=integration)
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            # Route settings without a limit mean zero: every request would be answered 429
            # (hashicorp/terraform-provider-aws #43307, pulumi/pulumi-aws #2363).
            throttle=apigateway.ThrottleSettings(rate_limit=REQUESTS_A_SECOND, burst_limit=REQUESTS_AT_ONCE),
        )
        cfn_stage = stage.node.default_child
        assert isinstance(cfn_stage, apigateway.CfnStage)  # noqa: S101 - true for every L2 stage
        cfn_stage.route_settings = {
            "GET /photos/{id}": _limit(REQUESTS_A_SECOND, REQUESTS_AT_ONCE),
            "POST /photos": _limit(PHOTOS_A_SECOND, PHOTOS_AT_ONCE),
            "GET /photos/{id}/picture": _limit(PICTURES_A_SECOND, PICTURES_AT_ONCE),
            "DELETE /photos/{id}": _limit(REMOVALS_A_SECOND, REMOVALS_AT_ONCE),
        }
        # A stage cannot have settings for a route that does not exist yet.
        stage.node.add_dependency(*(child for child in api.node.children if isinstance(child, apigateway.HttpRoute)))
        return api


def _limit(rate: int, burst: int) -> dict[str, int]:
    return {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}


def _door_code(folder: Path) -> str:
    """Copies what the door's zip holds to `folder`, readable by Lambda's user: the zip keeps file modes."""
    door = CODE / "wall_door"
    files = [*door.glob("wall_door/*.py"), door / "wall_door" / "page.html"]
    sources = {file: file.relative_to(door) for file in files if file.is_file()}
    annotator = CODE / "photo_annotator"
    sources |= {annotator / "annotator" / name: Path("annotator", name) for name in SHARED}
    for source, target in sources.items():
        copy = folder / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
        copy.chmod(0o644)
    return str(folder)
