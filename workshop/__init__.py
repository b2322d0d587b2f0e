"""What an attendee types: `emotions …` (or `python -m workshop …`), every step of the workshop in the terminal.

Read `cli.py` first, then the module in `commands/` that is named like the command. `account.py` says who we are in AWS,
`stacks.py` what was deployed, `results.py` what became of each photo, and `console.py` how all of it is shown.

The commands share the function's own code, which is an asset under lambda/photo_annotator and not installed anywhere,
so importing this package makes `annotator` importable as well. This is the only place that does.
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of the clone."""

_FUNCTION_CODE = str(PROJECT / "lambda" / "photo_annotator")
if _FUNCTION_CODE not in sys.path:
    sys.path.append(_FUNCTION_CODE)
