"""The stacks: what `cdk deploy` builds in an attendee's account and `cdk destroy` takes away again.

Read `foundation.py` and `serverless.py` first: each stack only composes. What a deployment may choose is in
`settings.py`; what makes sure that nothing survives is in `leave_nothing.py`.
"""
