"""The page of comparison: each library is run, and does what the page says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest
from asgiref.sync import markcoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django_asgi_lifespan.middleware import LifespanStateMiddleware
from starlette.applications import Starlette

from tests.asgi.server import FakeServer, http_scope
from tests.processes import ROOT

from .libraries import LIBRARIES, Probe, Run

PAGE: Final = (ROOT / "docs" / "explanation" / "comparison.md").read_text("utf-8")
BEGIN: Final = "<!-- checked by tests/explanation/test_comparison.py -->\n\n"
END: Final = "\n<!-- end -->"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Discard what the libraries log about failures."""
    caplog.set_level("CRITICAL")


async def after_failed_startup(run: Run) -> str:
    """Two resources have opened, the third fails to: are the two closed?"""
    journal: list[str] = []
    probes = [Probe(name, journal, opens=name != "c") for name in "abc"]

    assert await run(probes) is not None

    opened = [probe for probe in probes if probe.opened_in is not None]
    return "closed" if all(probe.closed_in for probe in opened) else "open"


async def closing_task(run: Run) -> str:
    """Is a resource closed in the task that opened it?"""
    probes = [Probe(name, []) for name in "ab"]

    assert await run(probes) is None

    if any(probe.opened_in is not probe.closed_in for probe in probes):
        return "not the one that opened it"
    is_shared = probes[0].opened_in is probes[1].opened_in
    return "the lifespan's" if is_shared else "its own"


async def startup_order(run: Run) -> str:
    """Does the second resource begin to open before the first has opened?"""
    journal: list[str] = []

    assert await run([Probe(name, journal) for name in "ab"]) is None

    is_concurrent = journal.index("b begins") < journal.index("+a")
    return "concurrently" if is_concurrent else "in sequence"


async def two_failures_to_close(run: Run) -> str:
    """Two of three resources fail to close: which errors are raised?"""
    journal: list[str] = []
    probes = [Probe(name, journal, closes=name == "a") for name in "abc"]

    error = await run(probes)

    assert "-a" in journal
    if error is None:
        return "both logged"
    # ExceptionGroup, ExitError of dishka, CleanupError of aiohttp.
    raised = getattr(error, "exceptions", [error])
    if len(raised) == 2:
        return "both raised"
    assert isinstance(raised[0].__context__, ConnectionResetError)
    return "one raised, one its context"


COLUMNS: Final[dict[str, Callable[[Run], Awaitable[str]]]] = {
    "after a failed startup": after_failed_startup,
    "task that closes": closing_task,
    "independent ones start": startup_order,
    "two fail to close": two_failures_to_close,
}


async def test_the_table_shows_what_each_library_does() -> None:
    shown = PAGE.partition(BEGIN)[2].partition(END)[0]

    lines = [f"| | {' | '.join(COLUMNS)} |", "| --- |" + " --- |" * len(COLUMNS)]
    for library, run in LIBRARIES.items():
        cells = [await observe(run) for observe in COLUMNS.values()]
        lines.append(f"| {library} | {' | '.join(cells)} |")
    assert shown == "\n".join([*lines, ""])


class InTaskGroup(Probe):  # type: ignore[misc]  # final for type checkers
    """A resource with a task group open while it runs."""

    async def __aenter__(self) -> Any:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._group.__aexit__(None, None, None)


async def test_only_django_asgi_lifespan_breaks_an_open_task_group() -> None:
    ours = await LIBRARIES["django-lifespan-typed"]([InTaskGroup("a", [])])
    theirs = await LIBRARIES["django-asgi-lifespan"]([InTaskGroup("a", [])])

    assert ours is None
    assert isinstance(theirs, RuntimeError)
    assert "different task" in str(theirs)


async def test_django_asgi_lifespan_fails_without_a_lifespan_of_the_server() -> None:
    async def view(_request: object) -> Any:
        raise AssertionError

    markcoroutinefunction(view)
    request = ASGIRequest(http_scope("/"), None)

    with pytest.raises(KeyError, match=r"^'state'$"):
        await LifespanStateMiddleware(view)(request)


async def test_the_lifespan_of_starlette_ends_when_a_background_task_crashes() -> None:
    crash = asyncio.Event()

    async def background() -> None:
        await crash.wait()
        raise ConnectionError

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(background)
            yield
            group.cancel_scope.cancel()

    async with FakeServer(Starlette(lifespan=lifespan), state={}) as server:
        await server.startup()
        crash.set()
        message = await server.reply()

    assert message["type"] == "lifespan.shutdown.failed"
