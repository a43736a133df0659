"""``python -m example_site.book_service --port 8200``."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from threading import Thread

from .server import BookServer


def main() -> None:
    """Print the address, then serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m example_site.book_service", description="Serve the books."
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default: any free")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="stop when the other end of stdin is closed",
    )
    options = parser.parse_args()

    with BookServer(options.port) as server:
        if options.until_stdin_closes:
            # Ctrl-C reaches every program of a terminal, SIGTERM every program of a
            # service. The parent may still have requests to answer.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
        # The parent waits for this line. The server accepts connections by now.
        print(server.url, flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.05)


def _stop_with_stdin(server: BookServer) -> None:
    """Stop *server* when the program at the other end of stdin has ended."""
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    main()
