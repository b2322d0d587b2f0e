"""The emulator's process: `python -m local_aws.ministack_process LAMBDA_HOST_URL FOLDER`.

It is ministack with its gaps closed. When the process that started it ends for any reason, it removes FOLDER and ends,
too: standard input is a pipe that only the starter holds open.
"""

import os
import shutil
import signal
import sys
import threading


def _end_with_the_starter(folder: str) -> None:
    os.read(0, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Serve until a SIGTERM, or until the starter has ended."""
    name, lambda_host, folder = sys.argv
    sys.argv = [name]
    threading.Thread(target=_end_with_the_starter, args=(folder,), daemon=True).start()
    from ministack import app

    from local_aws.gaps import close_gaps, push_images_to
    from local_aws.http_api import close_http_api_gaps

    close_http_api_gaps()
    if registry := os.environ.get("LOCAL_REGISTRY"):
        push_images_to(registry)
    if app.AUTH:
        from local_aws.iam import enforce_iam, role_session

        close_gaps(lambda_host, role_session)
        enforce_iam()
    else:
        close_gaps(lambda_host)
    app.main()


if __name__ == "__main__":
    main()
