"""The emulator's process: `python -m local_aws.ministack_process LAMBDA_HOST_URL`.

It is ministack with its gaps closed, and ends when the process that started it does, whatever happens to that:
standard input is a pipe that only the starter holds open.
"""

import os
import signal
import sys
import threading


def _end_with_the_starter() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Serve until a SIGTERM, or until the starter is gone."""
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    sys.argv, lambda_host = sys.argv[:1], sys.argv[1]
    from ministack import app

    from local_aws.gaps import close_gaps

    close_gaps(lambda_host)
    app.main()


if __name__ == "__main__":
    main()
