"""The site under a server, with a ledger that its workers write to."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from tests.processes import ROOT
from tests.servers.servers import Server, Serving, serving

from .ledger import Ledger


@contextmanager
def soaking(
    server: Server, *options: str, site: str, **variables: str | None
) -> Generator[tuple[Serving, Ledger]]:
    """*server*, whose workers all serve, until the block ends."""
    with (
        Ledger() as ledger,
        serving(
            server,
            *options,
            application="tests.soak.site.asgi:application",
            folder=ROOT,
            # As it is served, and so that workers start fast.
            PYTHONDEVMODE="",
            SITE=site,
            LEDGER=str(ledger.port),
            **variables,
        ) as served,
    ):
        served.process.until(server.ready, nth=server.workers)
        served.until_listening()
        yield served, ledger
