"""Ports and processes. The local AWS ends every process that it starts."""

import contextlib
import errno
import os
import random
import signal
import socket
import subprocess

GRACE = 5.0
"""Seconds that a process is given to end by itself before it is killed."""


PORTS = range(20_000, 30_000)
"""Below the range that Linux and macOS use for outgoing connections, which could otherwise take a free port."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free, and that no process is likely to take soon."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(errno.EADDRINUSE, f"a hundred ports between {PORTS.start} and {PORTS.stop} are all in use")


def listens(port: int) -> bool:
    """Whether a process accepts connections on 127.0.0.1 at `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process started with `start_new_session=True`, together with everything it started."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process started with `start_new_session=True`, together with everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()
