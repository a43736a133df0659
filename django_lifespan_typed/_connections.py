"""Database connections that a start or a stop leaves in Django's shared thread."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, final

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.signals import connection_created

from ._typing import Self

logger: Final = logging.getLogger(__package__)


@final
class Opened:
    """Whether a connection was opened, in any thread, while a block ran."""

    def __init__(self) -> None:
        self.any = False

    def __enter__(self) -> Self:
        connection_created.connect(self._on_created)
        return self

    def __exit__(self, *_: object) -> None:
        connection_created.disconnect(self._on_created)

    def _on_created(self, **_: object) -> None:
        self.any = True

    async def close(self, seconds: float) -> None:
        """Close what is left of them; most starts open none, and wait for nobody."""
        if self.any:
            await close_connections(seconds)


async def close_connections(seconds: float) -> None:
    """
    Close what factories and receivers opened in Django's shared thread, which no
    request cleans. A thread that hangs is waited for *seconds*, and then left alone.
    """
    # In a task: asgiref would add its frames to an error that is being raised.
    closing = asyncio.ensure_future(_close_connections())
    try:
        await asyncio.wait({closing}, timeout=seconds)
        if closing.done():
            closing.result()
        else:
            logger.warning(
                "Django's shared thread hangs: what the lifespan may have opened in "
                "it, database connections for example, stays open"
            )
    finally:
        closing.cancel()


@sync_to_async
def _close_connections() -> None:
    # A test's open transaction is left alone.
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
