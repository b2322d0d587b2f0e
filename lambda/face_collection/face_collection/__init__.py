"""The custom resource that creates a stack's Rekognition collection.

Read `lifecycle.py` first: it defines what Create, Update and Delete mean for a collection. `handler.py` receives
CloudFormation's requests and answers them.
"""
