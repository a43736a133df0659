"""The target of a multiprocessing child."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, Registry, lifespan_resource

registry = Registry()


@lifespan_resource("own", registry=registry)
async def own() -> AsyncGenerator[int]:
    os.write(1, b"+own\n")
    yield os.getpid()
    os.write(1, b"-own\n")


def work() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    with Lifespan(registry) as state:
        assert state[own] == os.getpid()
