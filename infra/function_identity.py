"""A log group that is deleted with the stack, and a role that can write to it: each function needs both."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct


class FunctionIdentity(Construct):
    """A log group and a role for one function.

    The role can write to this log group but cannot create one. Lambda flushes a last line after the function is
    deleted, and a role that can create log groups would recreate the group (aws/aws-cdk #31487). For the same reason
    the role does not use the managed policy AWSLambdaBasicExecutionRole.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
