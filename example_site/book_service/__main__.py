"""The command: ``python -m example_site.book_service --port 8200``."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from threading import Thread

from .server import BookServer


def main() -> None:
    """Print the address, then serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m example_site.book_service", description="Serve the books."
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default: any free")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="live no longer than the program that holds the other end of stdin",
    )
    options = parser.parse_args()

    with BookServer(options.port) as server:
        if options.until_stdin_closes:
            # Ctrl-C reaches every program of a terminal, and SIGTERM every one of a
            # service; the one that started this one still has requests to answer.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
        # Whoever started this waits for the line: written once connections are taken.
        print(server.url, flush=True)
        with suppress(KeyboardInterrupt):
            # As often, in seconds, it looks whether it is to stop.
            server.serve_forever(poll_interval=0.05)


def _stop_with_stdin(server: BookServer) -> None:
    """Stop *server* when the program at the other end of stdin is gone."""
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    main()
