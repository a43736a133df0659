"""Memory of a server's worker, over many requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.servers.servers import (
    GRANIAN,
    GUNICORN_ASGI,
    GUNICORN_UVICORN,
    UVICORN,
    Server,
    each,
)

from .memory import REQUESTS, grown
from .site.held import ROLLUP
from .treatment import ROUNDS

pytestmark = [
    # Far more than it takes, for a busy machine.
    pytest.mark.timeout(300 + 60 * ROUNDS),
    pytest.mark.skipif(not ROLLUP.exists(), reason=f"no {ROLLUP}: not Linux"),
]

# A request that is kept is of 2.7 KiB or more, without what it holds.
TOLERANCE: Final = 2048 * REQUESTS

# It would keep each connection for three seconds after its end, for any application.
AT_ONCE: Final = replace(
    GUNICORN_ASGI,
    command=(*GUNICORN_ASGI.command, "--asgi-disconnect-grace-period", "0"),
)


@each([UVICORN, AT_ONCE, GUNICORN_UVICORN, GRANIAN])
def test_a_worker_grows_no_more_than_plain_djangos(server: Server) -> None:
    """Beside plain Django's, for a server may grow by itself."""
    plain = grown(server, "plain")
    ours = grown(server, "with_lifespan")

    assert ours < max(plain, 0) + TOLERANCE


@each([UVICORN, GRANIAN])
def test_a_site_that_leaks_is_found_out(server: Server) -> None:
    """The measure above sees what each request leaves."""
    assert grown(server, "with_lifespan", LEAKS="yes") > 2 * TOLERANCE
