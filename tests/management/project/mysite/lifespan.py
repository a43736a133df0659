"""Resources; SCENE selects which."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from django_lifespan_typed import Resource, StateKey, lifespan_resource, lifespan_task
from django_lifespan_typed.register import register_lifespan_manager
from tests.processes import at_gate, happened


def shop() -> None:
    """Everything works but an optional resource."""

    @lifespan_resource("db", start_timeout=5, stop_timeout=2.5)
    async def db() -> AsyncGenerator[list[str]]:
        yield ["emma"]

    @db.health
    async def answers(books: list[str]) -> bool:
        return "emma" in books

    @lifespan_resource("cache", stop_timeout=float("inf"))
    async def cache() -> AsyncGenerator[dict[str, str]]:
        yield {}

    @lifespan_resource("catalogue", needs=(db, cache))
    async def catalogue(
        books: list[str], cached: dict[str, str]
    ) -> AsyncGenerator[tuple[str, ...]]:
        yield (*books, *cached)

    @lifespan_resource("search", needs=(catalogue, db), optional=True)
    async def search(books: tuple[str, ...], db: list[str]) -> AsyncGenerator[Any]:
        raise ConnectionError("no search at port 9")
        yield

    @asynccontextmanager
    async def prices() -> AsyncGenerator[dict[str, Any]]:
        yield {"price": 7}

    prices.__qualname__ = "prices"
    register_lifespan_manager(context_manager=prices)


def plain(name: str, *needs: StateKey[str], optional: bool = False) -> Resource[str]:
    @lifespan_resource(name, needs=needs, optional=optional)
    async def resource(*_: str) -> AsyncGenerator[str]:
        yield name

    return resource


def failing() -> None:
    @lifespan_resource("github", needs=(plain("db"),))
    async def github(_: str) -> AsyncGenerator[str]:
        raise ConnectionError("github is down")
        yield


def unhealthy() -> None:
    @plain("db").health
    @plain("cache", optional=True).health
    def fails(_: str) -> None:
        raise ConnectionError("no route")


def crashing() -> None:
    """The health check of one resource ends the task of another."""

    @lifespan_resource("feed")
    async def feed() -> AsyncGenerator[asyncio.Task[Any] | None]:
        try:
            yield asyncio.current_task()
        except asyncio.CancelledError:
            raise ValueError("the feed has ended") from None

    @lifespan_resource("reader", needs=(feed,))
    async def reader(
        task: asyncio.Task[Any],
    ) -> AsyncGenerator[asyncio.Task[Any]]:
        yield task

    @reader.health
    async def ends_the_feed(task: asyncio.Task[Any]) -> None:
        task.cancel()
        await asyncio.wait({task})


def closing() -> None:
    """Both fail to shut down."""

    @lifespan_resource("db")
    async def db() -> AsyncGenerator[str]:
        yield "the db"
        raise OSError("the db is gone")

    @lifespan_resource("cache", needs=(db,), optional=True)
    async def cache(_: str) -> AsyncGenerator[str]:
        yield "the cache"
        raise OSError("the cache is gone")


def waiting() -> None:
    """Startup and health check wait until the test continues."""

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

    plain("api", model)


def cycle() -> None:
    plain("cache", plain("db", StateKey[str]("cache")))


def tasks() -> None:
    """A consumer that runs until it is stopped, and tasks that end."""
    db = closed_at_the_end("db")

    @lifespan_task("feed", needs=(db,))
    async def feed(_: str) -> None:
        happened("+feed")
        try:
            await asyncio.Event().wait()
        finally:
            happened("-feed")

    @lifespan_task("import", needs=(closed_at_the_end("files"),))
    async def import_(_: str) -> None:
        happened("imported")

    @lifespan_task("export")
    async def export() -> None:
        await at_gate("export")
        happened("exported")

    @lifespan_task("flaky", backoff=(0.01, 0.01))
    async def flaky() -> None:
        failures.append("flaky")
        if len(failures) == 1:
            raise ConnectionError("once")

    @lifespan_task("fragile", needs=(db,), restart="never")
    async def fragile(_: str) -> None:
        await at_gate("crash")
        raise ConnectionError("no route")

    @lifespan_task("hobby", restart="never", optional=True)
    async def hobby() -> None:
        raise ConnectionError("rain")

    @lifespan_resource("socket")
    async def socket() -> AsyncGenerator[str]:
        owner = asyncio.current_task()

        async def break_it() -> None:
            await at_gate("crash")
            assert owner is not None
            owner.cancel()

        breaking = asyncio.create_task(break_it())
        yield "socket"
        await breaking

    @lifespan_task("listener", needs=(socket,))
    async def listener(_: str) -> None:
        await asyncio.Event().wait()

    failures: list[str] = []


def broken_tasks() -> None:
    """A task whose dependency fails to start."""

    @lifespan_resource("db")
    async def db() -> str:
        raise ConnectionError("the db is down")

    @lifespan_task("feed", needs=(db,))
    async def feed(_: str) -> None:
        happened("+feed")


def optional_tasks() -> None:
    """An optional task whose dependency fails to start, and another task."""

    @lifespan_resource("cache", optional=True)
    async def cache() -> str:
        raise ConnectionError("the cache is down")

    @lifespan_task("warm", needs=(cache,), optional=True)
    async def warm(_: str) -> None:
        happened("warmed")

    @lifespan_task("import")
    async def import_() -> None:
        happened("imported")


def closed_at_the_end(name: str) -> Resource[str]:
    @lifespan_resource(name)
    async def resource() -> AsyncGenerator[str]:
        happened(f"+{name}")
        yield name
        happened(f"-{name}")

    return resource


def empty() -> None:
    """No resources."""


globals()[os.environ["SCENE"]]()
