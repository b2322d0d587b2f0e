"""A room uploads at once: what comes out, how late, and what the design of the original makes of the same burst.

Read `__main__.py` first: it plays the burst against both designs and prints the table. `ours.py` deploys the stacks as
they are, `original.py` the 2019 workshop's design beside it; both run on the local AWS, under the same quota.
"""

import workshop  # noqa: F401 - it makes `annotator` importable
