"""The custom resource that gives a stack its Rekognition collection.

Read `lifecycle.py` first: what Create, Update and Delete mean for a collection. `handler.py` takes CloudFormation's
requests and answers each one.
"""
