"""The stacks that `cdk deploy` creates in an attendee's account and `cdk destroy` deletes.

Read `foundation.py` and `serverless.py` first: each stack only composes constructs. `settings.py` defines the
options of a deployment. `leave_nothing.py` ensures that no log group survives `cdk destroy`.
"""
