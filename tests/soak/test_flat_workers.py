"""The memory of a server's worker, over many requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.processes import client
from tests.servers.server import Server, each
from tests.servers.servers import GRANIAN, GUNICORN_ASGI, GUNICORN_UVICORN, UVICORN

from .load import Load
from .treatment import ROUNDS, soaking

pytestmark = [
    # Long, for a busy machine.
    pytest.mark.timeout(300 + 60 * ROUNDS),
    pytest.mark.skipif("sys.platform != 'linux'", reason="no /proc/self/smaps_rollup"),
]

# They fill caches and free lists, and start every thread.
WARM_UP: Final = 500
REQUESTS: Final = 1000 * ROUNDS
# A request that is kept takes at least 2.7 KiB.
TOLERANCE: Final = 2048 * REQUESTS

# It would keep each connection for three seconds after its end, with any application.
AT_ONCE: Final = replace(
    GUNICORN_ASGI,
    command=(*GUNICORN_ASGI.command, "--asgi-disconnect-grace-period", "0"),
)


def grown(server: Server, site: str, **variables: str) -> int:
    """The bytes by which the one worker of *server* grows over ``REQUESTS``."""
    # One heap for all threads: chance decides how many threads have their own.
    heap = {"MALLOC_ARENA_MAX": "1"}
    with soaking(server, site=site, **heap, **variables) as (
        serving,
        ledger,
    ):
        answer(serving.port, WARM_UP)
        before = held(serving.port)
        answer(serving.port, REQUESTS)
        after = held(serving.port)
        # It is still the same process.
        assert (len(ledger.holding()), ledger.gone()) == (1, set())
    return after - before


def answer(port: str, requests: int) -> None:
    """Send requests until so many are answered and none is in flight."""
    load = Load(port, "async", "sync")
    with load.running():
        load.until_answered(requests)
    assert set(load.kinds) <= {"answered", "stale"}, load.kinds


def held(port: str) -> int:
    """The bytes that the worker holds."""
    with client(port) as browser:
        size: int = browser.get("/memory").json()["held"]
    return size


@each([UVICORN, AT_ONCE, GUNICORN_UVICORN, GRANIAN])
def test_a_worker_grows_no_more_than_with_plain_django(server: Server) -> None:
    """A server may grow by itself."""
    plain = grown(server, "plain")
    ours = grown(server, "with_lifespan")

    assert ours < max(plain, 0) + TOLERANCE


@each([UVICORN, GRANIAN])
def test_a_leak_of_each_request_is_noticed(server: Server) -> None:
    assert grown(server, "with_lifespan", LEAKS="yes") > 2 * TOLERANCE
