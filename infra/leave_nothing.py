"""Makes sure that `cdk destroy` leaves nothing behind, the functions CDK adds itself included."""

import jsii
from aws_cdk import CfnDeletionPolicy, CfnResource, IAspect, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct


@jsii.implements(IAspect)
class LeaveNothing:
    """Gives each function that CDK adds itself, such as the one that empties buckets, a log group the stack deletes.

    Those functions take no log group: Lambda makes one at the first call, without expiry, and it outlives the stack
    (aws/aws-cdk #26553). Their role is cut down to writing into that group, because a role that may create groups
    brings it back with the last line it flushes after the deletion (aws/aws-cdk #31487). Functions of ours are given
    both by `FunctionIdentity`, and a function that takes a log group and has none stops the synth.
    """

    def visit(self, node: IConstruct) -> None:
        """What CDK calls for every construct."""
        if not isinstance(node, CfnResource) or node.cfn_resource_type != "AWS::Lambda::Function":
            return
        if isinstance(node, lambda_.CfnFunction):
            if node.logging_config is None:
                raise TypeError(f"{node.node.path} has no log group of its own; hand it one, as FunctionIdentity does")
            return
        provider = node.node.scope
        role = provider.node.try_find_child("Role") if provider else None
        if not isinstance(provider, Construct) or not isinstance(role, CfnResource):
            raise TypeError(f"{node.node.path} is a function whose role was not found; give it a log group by hand")
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
