"""Resources; SCENE selects which."""

from __future__ import annotations

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
    optional: bool = False,
    fails: type[Exception] | None = None,
    unhealthy: bool = False,
) -> Resource[Any]:
    @lifespan_resource(name, needs=needs, optional=optional)
    @asynccontextmanager
    async def resource(*_: object) -> AsyncGenerator[str]:
        if fails is not None:
            raise fails(SECRET)
        yield SECRET

    @resource.health
    async def health(_: str) -> None:
        if unhealthy:
            raise TimeoutError(SECRET)

    declared: Resource[Any] = resource
    return declared


def usual() -> None:
    """A shop."""
    database = declare("database")
    redis = declare("redis")
    http = declare("httpx_client")
    cache = declare("cache", redis)
    model = declare("recommendation_model", database)
    catalogue = declare("catalogue", http, database, cache)
    declare("search", catalogue, model, http)
    tracing = declare("tracing", optional=True, fails=ConnectionRefusedError)
    declare("spans_of_requests_to_elsewhere_and_back", tracing, http, optional=True)
    declare("mail", unhealthy=True)
    declare("feature_flags", optional=True, unhealthy=True)


def evil() -> None:
    """Names that contain markup."""
    first = declare(EVIL)
    declare('"><img src=x onerror=alert(1)>', first)
    declare("{{ 7|add:7 }}", first)
    declare("日本語の名前", first, optional=True, fails=ValueError)


def many() -> None:
    """More than fit on a screen."""
    made: list[Resource[Any]] = []
    for number in range(60):
        needs = {made[number // 2 - 1], made[number // 3]} if number > 6 else ()
        made.append(declare(f"resource_{number}", *needs))


def none() -> None:
    """No resources."""


SCENES = {scene.__name__: scene for scene in (usual, evil, many, none)}
SCENES[os.environ.get("SCENE", "usual")]()
