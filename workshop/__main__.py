"""`python -m workshop …`."""

import sys

if __name__ == "__main__":
    try:
        from workshop.cli import main

        main()
    except ModuleNotFoundError as missing:
        sys.exit(f"This Python lacks {missing.name}; type: source .venv/bin/activate (after `make setup`)")
