"""Sixty people upload at the same time: compares results and delays of this design and the original's.

Read `__main__.py` first: it plays the burst against both designs and prints the table. `ours.py` deploys the stacks,
`original.py` the 2019 workshop's design. Both run on the local AWS, with the same quota.
"""

import workshop  # noqa: F401 - it makes `annotator` importable
