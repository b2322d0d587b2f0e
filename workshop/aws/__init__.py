"""What the commands need to know of AWS: who we are, what is deployed, what became of each photo.

Read `stacks.py` first.
"""
