"""One photo in, one annotated picture and one result document out.

Read `workflow.py` first: it tells the whole story in one function, and every other module is one word of it.
`handler.py` is where the story meets AWS Lambda.
"""
