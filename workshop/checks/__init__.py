"""Is everything as it should be?

`doctor.py` looks at the machine and the account, `checkpoints.py` at a step of the workshop, `parts.py` at each part of
the stacks, `diagnosis.py` at one photo.
"""
