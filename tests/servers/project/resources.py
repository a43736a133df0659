"""The site's resources and receivers, each of which notes what it does."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

from django_lifespan_typed import LifespanState, lifespan_resource
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup

from .gates import wait_at
from .journal import note


class Pool:
    """Something that is open, or not any more."""

    is_open = True


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[Pool]:
    """Opened first, closed last."""
    note("+pool")
    opened = Pool()
    yield opened
    opened.is_open = False
    note("-pool")


@lifespan_resource(  # the repository
    "repository",
    needs=(pool,),
    stop_timeout=float(os.environ.get("REPOSITORY_STOP_TIMEOUT", "10")),
)
async def repository(pool: Pool) -> AsyncGenerator[Pool]:
    """Needs the pool; may wait, fail or hang, as the environment says."""
    note("+repository")
    await wait_at("start")
    if os.environ.get("FAIL") == "start":
        raise OSError("no route to the repository")
    yield pool
    note("stopping repository")
    await wait_at("stop")
    if os.environ.get("FAIL") == "stop":
        raise OSError("the repository was lost")
    note("-repository")


@lifespan_resource("lock", needs=(repository,))
def lock(repository: Pool) -> Generator[str]:
    """A blocking resource, opened and closed in one thread."""
    thread = threading.get_ident()
    note("+lock")
    yield "lock"
    assert thread == threading.get_ident()
    note("-lock")


async def on_startup(*, state: LifespanState, **_: Any) -> None:
    """Finds everything open."""
    note(f"asgi_startup, pool is {'open' if state[pool].is_open else 'closed'}")


def on_shutdown(*, state: LifespanState, **_: Any) -> None:
    """Finds everything still open."""
    note(f"asgi_shutdown, pool is {'open' if state[pool].is_open else 'closed'}")


asgi_startup.connect(on_startup)
asgi_shutdown.connect(on_shutdown)
