"""`python -m local_aws …`."""

import sys

if __name__ == "__main__":
    try:
        from local_aws.cli import local_aws

        local_aws(prog_name="python -m local_aws")
    except KeyboardInterrupt:  # while packages are imported; everything else ends with a sentence
        sys.exit(130)
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is not installed; type: make local (or: source .venv/bin/activate)")
