"""By how much a worker's memory grows, over requests."""

from __future__ import annotations

import http.client
import json
from typing import Final

from tests.processes import LIMIT, UNMEASURED
from tests.servers.servers import Server

from .load import Load
from .soaking import soaking
from .treatment import ROUNDS

# They fill caches and free lists, and start every thread that there will be.
WARM_UP: Final = 500

REQUESTS: Final = 1000 * ROUNDS


def grown(server: Server, site: str, **variables: str) -> int:
    """By how many bytes the one worker of *server* grew over ``REQUESTS``."""
    # One heap for all threads: how many of them have one is luck.
    heap = {"MALLOC_ARENA_MAX": "1"}
    with soaking(server, site=site, **heap, **UNMEASURED, **variables) as (
        serving,
        ledger,
    ):
        answer(serving.port, WARM_UP)
        before = held(serving.port)
        answer(serving.port, REQUESTS)
        after = held(serving.port)
        # It is still the same process, and the only one.
        assert (len(ledger.holding()), ledger.gone()) == (1, set())
    return after - before


def answer(port: str, requests: int) -> None:
    """Have so many answered, and nobody in flight after them."""
    load = Load(port, "async", "sync")
    with load.running():
        load.until_answered(requests)
    assert set(load.kinds) <= {"answered", "stale"}, load.kinds


def held(port: str) -> int:
    """How many bytes the worker holds, as it says."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=LIMIT)
    try:
        connection.request("GET", "/memory/now")
        size: int = json.loads(connection.getresponse().read())["held"]
    finally:
        connection.close()
    return size
