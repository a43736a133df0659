"""Resources; SCENE says which."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from django_lifespan_typed import Resource, lifespan_resource

SECRET = "postgres://user:sesame@db/shop"
EVIL = "<script>document.title='owned'</script>"


def declare(
    name: str,
    *needs: Resource[Any],
    seconds: float = 0,
    optional: bool = False,
    fails: type[Exception] | None = None,
    sick: type[Exception] | None = None,
) -> Resource[Any]:
    """A resource that takes so long to start; its value is a secret."""

    @asynccontextmanager
    async def factory(*_: object) -> AsyncGenerator[str]:
        # What is drawn; no test depends on it.
        await asyncio.sleep(seconds)
        if fails is not None:
            raise fails(SECRET)
        yield SECRET

    async def health(_: str) -> None:
        if sick is not None:
            raise sick(SECRET)

    declared: Resource[Any] = lifespan_resource(name, needs=needs, optional=optional)(
        factory
    )
    declared.health(health)
    return declared


def usual() -> None:
    """What a shop has."""
    database = declare("database", seconds=0.12)
    redis = declare("redis", seconds=0.03)
    http = declare("httpx_client", seconds=0.01)
    cache = declare("cache", redis, seconds=0.02)
    model = declare("recommendation_model", database, seconds=0.31)
    catalogue = declare("catalogue", http, database, cache, seconds=0.04)
    declare("search", catalogue, model, http, seconds=0.05)
    tracing = declare("tracing", optional=True, fails=ConnectionRefusedError)
    declare("spans_of_requests_to_elsewhere_and_back", tracing, http, optional=True)
    declare("mail", sick=TimeoutError)
    declare("feature_flags", optional=True, sick=TimeoutError)


def evil() -> None:
    """Names that are not to be run, nor to be read as markup."""
    first = declare(EVIL)
    declare('"><img src=x onerror=alert(1)>', first)
    declare("{{ 7|add:7 }}", first)
    declare("日本語の名前", first, optional=True, fails=ValueError)


def many() -> None:
    """More than fit on a screen."""
    made: list[Resource[Any]] = []
    for number in range(60):
        needs = {made[number // 2 - 1], made[number // 3]} if number > 6 else ()
        made.append(declare(f"resource_{number}", *needs, seconds=number % 7 * 0.01))


def alone() -> None:
    """Two that need nobody."""
    declare("one")
    declare("two")


def none() -> None:
    """Nothing at all."""


SCENES = {scene.__name__: scene for scene in (usual, evil, many, alone, none)}
SCENES[os.environ.get("SCENE", "usual")]()
