"""Starts AWS's runtime interface client in an execution environment: `python -P python_runtime.py HANDLER`.

It replaces the base image's bootstrap. The function's process must not outlive the host, even if that is killed:
standard input is a pipe that only the host holds open, and this process ends when the pipe is closed.
"""

import os
import sys
import threading
from importlib.util import find_spec
from pathlib import Path


def _end_with_the_host(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)


def main() -> None:
    """Run the handler named on the command line until the host ends."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with_the_host, args=(pipe,), daemon=True).start()

    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    if find_spec("runtime_client") is None:
        # awslambdaric's compiled part exists only for Linux; other systems use a Python version of it.
        sys.path.append(str(Path(__file__).with_name("portable")))
    from awslambdaric.__main__ import main as run

    run(["awslambdaric", sys.argv[1]])


if __name__ == "__main__":
    main()
