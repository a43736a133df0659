"""Prints the address of the demo, in a process beside the server."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from time import sleep
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

_EVERY: Final = 0.05


def main(url: str, server: int) -> None:
    """Print *url* when it answers, unless the process *server* ends first."""
    # A proxy from the environment cannot reach loopback.
    opener = build_opener(ProxyHandler({}))
    while os.getppid() == server:
        with suppress(URLError, OSError), opener.open(f"{url}livez", timeout=5):
            print(f"The library is open: {url} (Ctrl-C closes it)", flush=True)
            return
        sleep(_EVERY)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
