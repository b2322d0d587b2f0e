"""`python -m local_aws …`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # for `python local_aws …`
    try:
        from local_aws.cli import local_aws

        local_aws(prog_name="python -m local_aws")
    except KeyboardInterrupt:  # while packages are imported; everything else ends with a sentence
        sys.exit(130)
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is not installed; type: make local (or: source .venv/bin/activate)")
