"""One photo in, one annotated picture and one result document out.

Read `workflow.py` first: one function there has the whole workflow, and every other module is one part of it.
`handler.py` is the entry point for AWS Lambda.
"""
