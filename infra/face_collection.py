"""The Rekognition collection, as a custom resource.

docs/decisions.md explains why this is neither the native `AWS::Rekognition::Collection` nor CDK's provider framework.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.function_identity import FunctionIdentity
from infra.sources import source_files

HANDLER = Path(__file__).parents[1] / "lambda" / "face_collection"


class FaceCollection(Construct):
    """The collection that holds the face vectors of this stack's photos. It is deleted with the stack.

    `tags` become a property of the resource, because CloudFormation does not tag what a custom resource creates.
    """

    def __init__(self, scope: Construct, id_: str, *, tags: Mapping[str, str]) -> None:
        super().__init__(scope, id_)
        stack = Stack.of(self)
        # A stack name has no dot, so no other stack's collection has this prefix.
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
                # All collections with this prefix: after a replacement, the new policy must allow deleting the old one.
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
                # Longer than the sum of all time-outs in the handler.
                timeout=Duration.minutes(5),
                role=identity.role,
                log_group=identity.log_group,
            )
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::RekognitionCollection",
            service_token=provider.function_arn,
            # By default, CloudFormation waits an hour for a lost answer.
            service_timeout=Duration.minutes(10),
            properties={"CollectionId": f"{family}faces", "Tags": tags},
        )
        # The role's policy must outlive the resource, or IAM denies the Delete.
        resource.node.add_dependency(identity)
        self.collection_id = resource.get_att_string("CollectionId")
        self._collection_arn = _collection_arn(stack, self.collection_id)

    def grant_indexing(self, role: iam.IRole) -> None:
        """Lets `role` add faces to this collection, and list and delete the faces of replaced photos."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["rekognition:IndexFaces", "rekognition:ListFaces", "rekognition:DeleteFaces"],
                resources=[self._collection_arn],
            )
        )

    def grant_removing(self, role: iam.IRole) -> None:
        """Lets `role` find and delete the faces of removed photos."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["rekognition:ListFaces", "rekognition:DeleteFaces"], resources=[self._collection_arn]
            )
        )


def _collection_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(service="rekognition", resource="collection", resource_name=name)


def _readable_copy(source: Path, folder: Path) -> str:
    """Copies the source files of `source` to `folder`, readable by Lambda's user.

    The function's zip keeps file modes, and with a umask of 077 only the owner can read a checkout.
    """
    for name, content in source_files(source):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        copy.chmod(0o644)
    return str(folder)
