"""What a function needs besides its code: a log group that goes with the stack, and a role that may write there."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct


class FunctionIdentity(Construct):
    """A log group and a role for one function.

    The role may write to this log group and may not create one: Lambda flushes a last line after the function is
    deleted, and a role that may create groups brings the group back (aws/aws-cdk #31487). For the same reason the
    managed AWSLambdaBasicExecutionRole is not used.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
