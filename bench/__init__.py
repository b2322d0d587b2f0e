"""Benchmarks, which compare each figure with a yardstick in one run on one machine. The tests do not assert them.

Read `__main__.py` first. `nearby_aws.py` serves S3 and Rekognition with fixed delays, `functions.py` runs the
handlers in the local AWS's Lambda host, `processors.py` limits their processor share as Lambda does, and `yardsticks/`
holds the handlers that ours is compared with.
"""

import os
import sys
from pathlib import Path

# The functions' code is no package of this folder; its tests and its image find it in their own ways.
for _code in (str(Path(__file__).parents[1] / "lambda" / function) for function in ("photo_annotator", "wall_door")):
    if _code not in sys.path:
        sys.path.append(_code)

# Node is in the virtual environment, which may not be activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
