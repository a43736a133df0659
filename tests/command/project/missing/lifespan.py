"""One that needs what is nowhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import StateKey, lifespan_resource

HTTP = StateKey[str]("http")


@lifespan_resource("github", needs=(HTTP,))
async def github(_: str) -> AsyncGenerator[str]:
    yield "github"
