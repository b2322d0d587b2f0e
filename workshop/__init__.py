"""What an attendee types: `emotions …` (or `python -m workshop …`), every step of the workshop in the terminal.

Read `cli.py` first, then the module in `commands/` that is named like the command. `account.py` says who we are in AWS,
`stacks.py` what was deployed, `results.py` what became of each photo, and `console.py` how all of it is shown.

The commands share the functions' own code, which is not installed anywhere, so importing this package makes
`annotator` and `wall_door` in lambda/ importable as well. This is the only place that does.
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of the clone."""

for _code in (str(PROJECT / "lambda" / function) for function in ("photo_annotator", "wall_door")):
    if _code not in sys.path:
        sys.path.append(_code)
