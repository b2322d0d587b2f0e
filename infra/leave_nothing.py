"""Ensures that `cdk destroy` leaves no log group behind, not even those of functions that CDK adds."""

import jsii
from aws_cdk import CfnDeletionPolicy, CfnResource, IAspect, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct


@jsii.implements(IAspect)
class LeaveNothing:
    """Gives a log group to each function that CDK adds itself, such as the one that empties buckets.

    CDK gives those functions no log group, so Lambda creates one at the first call. It never expires and outlives the
    stack (aws/aws-cdk #26553). The aspect also limits their role to writing to the log group, because a role that can
    create log groups recreates it when Lambda flushes a last line after the deletion (aws/aws-cdk #31487).

    `FunctionIdentity` gives our own functions both. The synth fails if one of them has no log group.
    """

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for every construct."""
        if not isinstance(node, CfnResource) or node.cfn_resource_type != "AWS::Lambda::Function":
            return
        if isinstance(node, lambda_.CfnFunction):
            if node.logging_config is None:
                raise TypeError(f"{node.node.path} has no log group of its own; pass one, as FunctionIdentity does")
            return
        provider = node.node.scope
        role = provider.node.try_find_child("Role") if provider else None
        if not isinstance(provider, Construct) or not isinstance(role, CfnResource):
            raise TypeError(f"Cannot find the role of the function {node.node.path}; give it a log group explicitly")
        log_group = logs.CfnLogGroup(provider, "Logs", retention_in_days=7)
        log_group.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
        log_group.cfn_options.update_replace_policy = CfnDeletionPolicy.DELETE
        node.add_property_override("LoggingConfig", {"LogGroup": log_group.ref})
        for resource in (node, role):
            resource.add_property_override("Tags", Stack.of(node).tags.render_tags())
        role.add_property_deletion_override("ManagedPolicyArns")
        role.add_property_override(
            "Policies",
            [
                {
                    "PolicyName": "WriteOwnLogs",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                "Resource": Stack.of(node).resolve(log_group.attr_arn),
                            }
                        ],
                    },
                }
            ],
        )
