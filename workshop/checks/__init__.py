"""Is everything as it should be?

`doctor.py` looks at the machine and the account, `checkpoints.py` at a step of the workshop, `diagnosis.py` at one
photo.
"""
