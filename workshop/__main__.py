"""`emotions …`, and `python -m workshop …`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # bin/emotions runs this file by its path. Whatever else is in the person's folder is not to be imported.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    try:
        from workshop.cli import main

        main()
    except KeyboardInterrupt:  # while packages are imported; everything else ends with a sentence
        sys.exit(130)
    except ModuleNotFoundError as missing:
        sys.exit(f"This Python lacks {missing.name}; type: source .venv/bin/activate (after `make setup`)")
