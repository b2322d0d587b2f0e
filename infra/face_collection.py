"""The Rekognition collection, through a custom resource of our own.

docs/decisions.md says why this is neither the native `AWS::Rekognition::Collection` nor CDK's provider framework.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.function_identity import FunctionIdentity

HANDLER = Path(__file__).parents[1] / "lambda" / "face_collection"


class FaceCollection(Construct):
    """Holds the face vectors of this stack's photos, and goes with the stack.

    `tags` are handed on as a property: CloudFormation does not tag what a custom resource makes.
    """

    def __init__(self, scope: Construct, id_: str, *, tags: Mapping[str, str]) -> None:
        super().__init__(scope, id_)
        stack = Stack.of(self)
        # A stack name has no dot, so no other stack's collection begins like this one.
        family = f"{stack.stack_name}."
        identity = FunctionIdentity(self, "Identity")
        identity.role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[
                    "rekognition:CreateCollection",
                    "rekognition:DescribeCollection",
                    "rekognition:DeleteCollection",
                    "rekognition:ListTagsForResource",
                    "rekognition:TagResource",
                    "rekognition:UntagResource",
                ],
                # The whole family: after a replacement the old collection is deleted under the new policy.
                resources=[_collection_arn(stack, f"{family}*")],
            )
        )
        with TemporaryDirectory() as folder:
            provider = lambda_.Function(
                self,
                "Provider",
                description="Creates and deletes this workshop's Rekognition collection for CloudFormation.",
                runtime=lambda_.Runtime.PYTHON_3_13,
                code=lambda_.Code.from_asset(_readable_copy(HANDLER, Path(folder))),
                handler="face_collection.handler.handle",
                # Longer than all the time-outs in the handler together.
                timeout=Duration.minutes(5),
                role=identity.role,
                log_group=identity.log_group,
            )
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::RekognitionCollection",
            service_token=provider.function_arn,
            # Without this CloudFormation would wait an hour for an answer that was lost.
            service_timeout=Duration.minutes(10),
            properties={"CollectionId": f"{family}faces", "Tags": tags},
        )
        # Its role's policy must outlive the resource, or the Delete would be denied.
        resource.node.add_dependency(identity)
        self.collection_id = resource.get_att_string("CollectionId")
        self._collection_arn = _collection_arn(stack, self.collection_id)

    def grant_indexing(self, role: iam.IRole) -> None:
        """Lets `role` add faces to this collection, and find and take out those of a photo that was replaced."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["rekognition:IndexFaces", "rekognition:ListFaces", "rekognition:DeleteFaces"],
                resources=[self._collection_arn],
            )
        )


def _collection_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(service="rekognition", resource="collection", resource_name=name)


def _readable_copy(source: Path, folder: Path) -> str:
    """Copies the Python files of `source` to `folder`, readable by Lambda's user.

    The function's zip keeps the files' modes, and with a umask of 077 only the owner may read a checkout.
    """
    for file in source.rglob("*.py"):
        if file.is_file():  # an editor's lock may be a link to nowhere
            copy = folder / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
            copy.chmod(0o644)
    return str(folder)
