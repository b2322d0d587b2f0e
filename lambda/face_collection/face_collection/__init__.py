"""The custom resource that gives a stack its Rekognition collection.

Read `lifecycle.py` first: what Create, Update and Delete mean for a collection. `handler.py` is where CloudFormation
calls, and sees to it that CloudFormation always gets an answer.
"""
