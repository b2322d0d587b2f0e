"""Benchmarks: each figure against its yardstick in one run on one machine. Nothing here is asserted in the tests.

Read `__main__.py` first. `nearby_aws.py` is the S3 and Rekognition that everything is timed against, `functions.py`
runs the handlers in the local AWS's Lambda host, `processors.py` gives them as much processor as Lambda would, and
`yardsticks/` holds what we compare ourselves with.
"""

import os
import sys
from pathlib import Path

# The function's code is no package of this folder; its tests and its image find it in their own ways.
_FUNCTION_CODE = str(Path(__file__).parents[1] / "lambda" / "photo_annotator")
if _FUNCTION_CODE not in sys.path:
    sys.path.append(_FUNCTION_CODE)

# The CDK's Node is the one that came with the packages, also where nobody activated the virtual environment.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
