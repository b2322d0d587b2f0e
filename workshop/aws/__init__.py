"""AWS: credentials and region, the deployed stacks, their queues, and the outcome of each photo.

Read `stacks.py` first.
"""
