"""One that is open, and one that starts, or stops, when the test lets it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource
from tests.processes import at_gate, happened


@lifespan_resource("db")
async def db() -> AsyncGenerator[str]:
    try:
        yield "the db"
    finally:
        happened("db closed")


@lifespan_resource("model", needs=(db,))
async def model(_: str) -> AsyncGenerator[str]:
    await at_gate("start")
    yield "the model"


@model.health
async def thinks(_: str) -> None:
    await at_gate("health")


@lifespan_resource("api", needs=(model,))
async def api(_: str) -> AsyncGenerator[str]:
    yield "the api"
