"""`python -m local_aws.rekognition --port 4600 --s3-endpoint http://127.0.0.1:4566`: serve until Ctrl-C."""

import argparse
import signal
import sys
import threading

from local_aws.rekognition import RekognitionServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; the address is the only line on standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws.rekognition",
        description="A Rekognition-compatible server on 127.0.0.1 that really finds faces.",
        epilog="example: python -m local_aws.rekognition --port 4600 --s3-endpoint http://127.0.0.1:4566",
    )
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: a free one)")
    parser.add_argument("--s3-endpoint", metavar="URL", help="where images named by bucket and key are read from")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with RekognitionServer(options.s3_endpoint, options.port) as server:
            print(server.url, flush=True)
            stop.wait()
    except OSError as error:
        print(f"Cannot listen on 127.0.0.1:{options.port} ({error.strerror}); choose another --port", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
