"""What an attendee types: `emotions …` (or `python -m workshop …`), every step of the workshop in the terminal.

Read `cli.py` first, then the module in `commands/` with the command's name. In `aws/`, `account.py` has the credentials
and the region, `stacks.py` what is deployed, and `results.py` the outcome of each photo. `terminal/console.py` prints.

The commands share the functions' code, which is not installed. So importing this package makes `annotator` and
`wall_door` in lambda/ importable, too.
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of the clone."""

for _code in (str(PROJECT / "lambda" / function) for function in ("photo_annotator", "wall_door")):
    if _code not in sys.path:
        sys.path.append(_code)
