"""comparison.md says what the libraries do: here they are run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import dishka.exceptions
import pytest
import svcs
from aiohttp import web
from asgiref.sync import markcoroutinefunction
from dishka import Provider, Scope, make_async_container
from django.core.handlers.asgi import ASGIRequest
from django_asgi_lifespan.middleware import LifespanStateMiddleware
from starlette.applications import Starlette

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from tests.asgi.server import FakeServer, http_scope

from . import behaviours
from .libraries import LIBRARIES
from .probes import Probe

PAGE: Final = (
    Path(__file__).parents[2] / "docs" / "explanation" / "comparison.md"
).read_text("utf-8")
BEGIN: Final = "<!-- behaviours, held by tests/explanation/test_comparison.py -->\n\n"
END: Final = "\n<!-- end of behaviours -->"


# What the libraries log of the failures that they are made to have is not of interest.
@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


async def test_the_table_says_what_they_do() -> None:
    """Each cell is what was seen of the installed release."""
    shown = PAGE.partition(BEGIN)[2].partition(END)[0]

    seen = await behaviours.table()

    assert shown == seen


# --- django-asgi-lifespan


async def test_django_asgi_lifespan_breaks_a_task_group_that_is_held_open() -> None:
    """It enters in one task and exits in another, which anyio refuses."""
    error = await LIBRARIES["django-asgi-lifespan"]([_InTaskGroup("a", [])])

    assert isinstance(error, RuntimeError)
    assert str(error) == (
        "Attempted to exit cancel scope in a different task than it was entered in"
    )


async def test_ours_holds_a_task_group_open() -> None:
    """Each resource has one task for all of its life."""
    assert await LIBRARIES["django-lifespan-typed"]([_InTaskGroup("a", [])]) is None


class _InTaskGroup(Probe):  # type: ignore[misc]  # final for type checkers
    async def __aenter__(self) -> Any:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._group.__aexit__(None, None, None)


async def test_django_asgi_lifespan_needs_a_server_that_sends_a_lifespan() -> None:
    """Without it, as under Daphne, its middleware finds no state."""

    async def view(_request: object) -> Any:
        raise AssertionError

    markcoroutinefunction(view)
    request = ASGIRequest(http_scope("/"), None)

    with pytest.raises(KeyError, match=r"^'state'$"):
        await LifespanStateMiddleware(view)(request)


# --- Starlette


async def test_starlettes_lifespan_ends_when_a_background_task_crashes() -> None:
    """All of it is closed, and the server is told, but not asked to stop."""
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


async def test_ours_goes_on_without_what_has_crashed(registry: Registry) -> None:
    """One resource has crashed, the others run, and the status says so."""
    crash = asyncio.Event()

    async def background() -> None:
        await crash.wait()
        raise ConnectionError

    @lifespan_resource("refresher", registry=registry)
    async def refresher() -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(background)
            yield

    @lifespan_resource("other", registry=registry)
    async def other() -> str:
        return "other"

    lifespan = Lifespan(registry)
    async with lifespan as state:
        owners = [
            task for task in asyncio.all_tasks() if "refresher" in task.get_name()
        ]
        crash.set()
        await asyncio.wait(owners)
        phases = {status.name: status.phase for status in lifespan.status()}

        assert phases == {"refresher": "crashed", "other": "running"}
        assert state[other] == "other"


# --- aiohttp


@pytest.mark.parametrize(
    ("is_generator", "closed"),
    [
        pytest.param(True, ["-a"], id="a generator, by the end of the loop"),
        pytest.param(False, [], id="another context manager, by nobody"),
    ],
)
def test_run_app_of_aiohttp_cleans_nothing_up_after_a_failed_start(
    is_generator: bool, closed: list[str]
) -> None:
    """Its AppRunner does, where who made it calls its cleanup(): see the table."""
    journal: list[str] = []
    probes = [Probe("a", journal), Probe("b", journal, opens=False)]
    app = web.Application()
    for probe in probes:
        as_generator = asynccontextmanager(_generator)
        app.cleanup_ctx.append(partial(as_generator if is_generator else _probe, probe))

    with pytest.raises(ConnectionError, match=r"^b$"):
        web.run_app(app, handle_signals=False, print=None, port=0)

    assert journal == ["a begins", "+a", "b begins", *closed]


async def _generator(probe: Probe, _app: web.Application) -> AsyncGenerator[None]:
    async with probe:
        yield


def _probe(probe: Probe, _app: web.Application) -> Any:
    return probe


# --- svcs, dishka


class Missing:
    """What nobody provides."""


class Needing:
    """What needs it."""

    def __init__(self, missing: Missing) -> None:
        self.missing = missing


def test_dishka_finds_what_is_missing_before_anything_opens() -> None:
    """As we do: when the container is made."""
    provider = Provider(scope=Scope.APP)
    provider.provide(Needing)

    with pytest.raises(dishka.exceptions.GraphMissingFactoryError):
        make_async_container(provider)


def test_svcs_finds_what_is_missing_when_it_is_asked() -> None:
    """It takes every registration; the first who asks is told."""
    registry = svcs.Registry()
    registry.register_factory(Needing, _needing)

    with pytest.raises(svcs.exceptions.ServiceNotFoundError):
        svcs.Container(registry).get(Needing)


def _needing(svcs_container: svcs.Container) -> Needing:
    return Needing(svcs_container.get(Missing))


async def test_svcs_has_health_checks() -> None:
    """A ping for each service, as our health checks."""
    registry = svcs.Registry()
    pinged: list[Missing] = []
    registry.register_factory(Missing, Missing, ping=pinged.append)

    async with svcs.Container(registry) as container:
        for ping in container.get_pings():
            await ping.aping()

    assert [type(each) for each in pinged] == [Missing]


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(Path(svcs.__path__[0]), id="svcs"),
        pytest.param(Path(dishka.__path__[0], "integrations"), id="dishka"),
    ],
)
def test_containers_have_no_module_for_django(folder: Path) -> None:
    """Of their own; others may have written one."""
    names = {path.stem for path in folder.iterdir()}

    assert {"aiohttp", "fastapi", "flask", "starlette"} <= names
    assert [name for name in names if "django" in name] == []
