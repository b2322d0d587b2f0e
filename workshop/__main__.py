"""`emotions …`, and `python -m workshop …`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # bin/emotions runs this file by its path, in any folder. Nothing from that folder may be imported.
    project = Path(__file__).resolve().parent.parent
    sys.path[0] = str(project)
    try:
        from workshop.cli import main

        main()
    except KeyboardInterrupt:  # while packages are imported; everything else ends with a sentence
        sys.exit(130)
    except ModuleNotFoundError as missing:
        in_venv = Path(sys.prefix).resolve() == (project / ".venv").resolve()
        fix = "make setup" if in_venv else "source .venv/bin/activate (after `make setup`)"
        sys.exit(f"This Python lacks {missing.name}; type: {fix}")
