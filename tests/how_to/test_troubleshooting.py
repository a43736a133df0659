"""The page of symptoms: each message is the real one, and each fix works."""

from __future__ import annotations

import asyncio
import contextvars
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from threading import Thread
from typing import Any, Final
from unittest import mock

import anyio
import httpx
import pytest
from asgiref.sync import async_to_sync
from django.test import RequestFactory
from typing_extensions import Self

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_lifespan,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._runtime import current
from django_lifespan_typed._settings import LifespanSettings
from django_lifespan_typed.testing import override_state
from tests.docs.pages import DOCS
from tests.processes import Process, client, reserved_port, running

from .conftest import Site
from .sites import HOW_TO, PROGRAMS, run
from .test_services import books

__all__ = ["books"]

NAME: Final = "troubleshooting.md"
PAGE: Final = (HOW_TO / NAME).read_text("utf-8")
ERRORS: Final = DOCS / "reference" / "errors"
UVICORN: Final = ("-m", "uvicorn", "mysite.asgi:application", "--port")
NUMBER: Final = StateKey[int]("number")

FAILING: Final = """
from django_lifespan_typed import lifespan_resource

@lifespan_resource("warehouse")
async def warehouse() -> int:
    raise ConnectionError("the warehouse is away")
"""


@pytest.fixture(autouse=True)
def _no_earlier_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of a lookup mention the last failed startup of the process."""
    monkeypatch.setattr(current.running, "last_failure", None)


def code(heading: str) -> str:
    """The Python code in the section of the page whose heading has these words."""
    (section,) = [
        part
        for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
        if heading in part.partition("\n")[0]
    ]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return str(block)


def assert_on_page(error: BaseException | str, message: str) -> None:
    """The *message* is a part of the error, and on the page."""
    assert message in str(error)
    assert message in PAGE


def answer(process: Process, port: str, path: str) -> httpx.Response:
    with client(port) as browser:
        while True:
            try:
                return browser.get(path)
            except httpx.TransportError:
                assert process.alive, process.output


@pytest.mark.parametrize(
    ("begins", "shows"),
    [
        ("python manage.py check", "no issues"),
        ("python manage.py lifespan show", "httpx_client"),
        ("python manage.py lifespan check", "started 'httpx_client'"),
    ],
)
def test_the_three_commands_need_no_server(begins: str, shows: str, site: Site) -> None:
    assert shows in run(NAME, begins, site("httpx")).output


# --- The server does not start


def test_a_server_that_does_not_start(site: Site) -> None:
    folder = site()
    (folder / "mysite" / "lifespan.py").write_text(FAILING)
    (folder / "mysite" / "urls.py").write_text("urlpatterns = []")

    with running(*UVICORN, reserved_port(), folder=folder) as process:
        assert process.wait() == 3

    assert_on_page(process.output, "while starting lifespan resource")
    assert_on_page(process.output, "Application startup failed. Exiting.")


def test_time_limits_are_those_of_the_settings() -> None:
    slow = (ERRORS / "startup_timeout.txt").read_text("utf-8")
    hanging = (ERRORS / "shutdown_timeout.txt").read_text("utf-8")

    assert "did not start within" in slow
    assert f"did not start within {LifespanSettings().START_TIMEOUT:g} s" in PAGE
    assert "did not shut down within" in hanging
    assert f"did not shut down within {LifespanSettings().STOP_TIMEOUT:g} s" in PAGE


def checked(folder: Path, factory: str) -> str:
    """The output of ``lifespan check`` for a project whose lifespan.py is *factory*."""
    (folder / "mysite" / "lifespan.py").write_text(factory)
    with running("manage.py", "lifespan", "check", folder=folder) as process:
        process.wait()
    return process.output


def test_a_blocking_factory_may_use_the_orm(site: Site) -> None:
    folder = site()
    (folder / "mysite" / "urls.py").write_text("urlpatterns = []")
    with running("manage.py", "migrate", folder=folder) as process:
        assert process.wait() == 0, process.output
    blocking = code("You cannot call this from an async context")
    is_async = blocking.replace("def groups", "async def groups")

    works = checked(folder, blocking)
    fails = checked(folder, is_async.replace("Generator", "AsyncGenerator"))

    assert "1 of 1 started and shut down without errors" in works
    assert_on_page(fails, "You cannot call this from an async context")


GEVENT: Final = """
import gevent.monkey; gevent.monkey.patch_all()
import asyncio, django, threading
from django.core.exceptions import SynchronousOnlyOperation
django.setup()
from django.contrib.auth.models import Group
from django_lifespan_typed import Lifespan

async def main():
    started.set()
    while not over.is_set():
        await asyncio.sleep(0.01)
        gevent.sleep(0.01)

started, over = threading.Event(), threading.Event()
loop = threading.Thread(target=asyncio.run, args=(main(),))
loop.start()
started.wait()
try:
    Group.objects.exists()
except SynchronousOnlyOperation:
    print("a query was refused")
over.set()
loop.join()
with Lifespan():
    print("entered")
"""


def test_gevent_is_refused_because_of_queries(site: Site) -> None:
    with running(
        *("-c", GEVENT),
        folder=site(),
        DJANGO_SETTINGS_MODULE="mysite.settings",
        PYTHONDEVMODE=None,
    ) as process:
        assert process.wait() != 0

    assert "a query was refused" in process.lines
    assert "entered" not in process.lines
    assert_on_page(process.output, "gevent has replaced threads by green threads")


# --- A value is missing


def served_by_django(site: Site) -> Path:
    """A project with a resource, whose asgi.py and wsgi.py are Django's own."""
    folder = site(start=None)
    for name in ("lifespan", "urls"):
        text = (PROGRAMS / "start" / "mysite" / f"{name}.py").read_text("utf-8")
        (folder / "mysite" / f"{name}.py").write_text(text)
    with (folder / "mysite" / "settings.py").open("a") as settings:
        settings.write('INSTALLED_APPS += ["django_lifespan_typed", "mysite"]\n')
    return folder


@pytest.mark.parametrize("is_fixed", [False, True], ids=["as it is", "fixed"])
def test_runserver_serves_wsgi(is_fixed: bool, site: Site) -> None:
    folder = served_by_django(site)
    if is_fixed:
        fixed = (PROGRAMS / "wsgi" / "mysite" / "wsgi.py").read_text("utf-8")
        (folder / "mysite" / "wsgi.py").write_text(fixed)
    port = reserved_port()

    with running("manage.py", "runserver", port, "--noreload", folder=folder) as server:
        response = answer(server, port, "/sync")
        server.end(signal.SIGINT)

    assert response.status_code == (200 if is_fixed else 500)
    if not is_fixed:
        assert_on_page(server.output, "no lifespan is running in this process")


def test_uvicorn_says_that_the_lifespan_is_unsupported(site: Site) -> None:
    with running(*UVICORN, "0", folder=served_by_django(site)) as server:
        server.until("Uvicorn running")
        server.end(signal.SIGINT)

    assert_on_page(server.output, "ASGI 'lifespan' protocol appears unsupported")


def test_the_setting_shows_startups(site: Site) -> None:
    folder = served_by_django(site)
    asgi = (PROGRAMS / "start" / "mysite" / "asgi.py").read_text("utf-8")
    (folder / "mysite" / "asgi.py").write_text(asgi)
    logs: list[bool] = []
    for settings in ("", code("The log shows no startup")):
        with (folder / "mysite" / "settings.py").open("a") as file:
            file.write(settings)
        with running(*UVICORN, "0", folder=folder) as server:
            server.until("Uvicorn running")
            server.end(signal.SIGINT)
        logs.append("started 'greeter' in" in server.output)

    assert logs == [False, True]


async def test_errors_of_a_lookup_are_on_the_page(registry: Registry) -> None:
    @lifespan_resource(StateKey[int]("first"), registry=registry)
    async def first() -> int:
        return 1

    with pytest.raises(Exception, match="no lifespan") as no_lifespan:
        current_state()
    async with Lifespan(registry):
        with pytest.raises(KeyError) as unknown:
            get_state({}, NUMBER)
        lifespan_resource(NUMBER, registry=registry)(first.factory)
        with pytest.raises(KeyError) as late:
            get_state({}, NUMBER)

    assert_on_page(no_lifespan.value, "no lifespan is running in this process")
    assert_on_page(unknown.value, "it is not registered")
    assert_on_page(late.value, "it was declared after the lifespan had started")


def test_a_request_has_no_state_without_the_middleware() -> None:
    with pytest.raises(AttributeError) as error:
        RequestFactory().get("/").state  # type: ignore[attr-defined]  # noqa: B018

    assert_on_page(error.value, "object has no attribute 'state'")


# --- Requests fail


@pytest.mark.parametrize("option", ["off", "on"])
def test_503_after_a_failed_startup(option: str, site: Site) -> None:
    folder = site()
    (folder / "mysite" / "lifespan.py").write_text(FAILING)
    (folder / "mysite" / "urls.py").write_text(
        "from django.urls import include, path\n"
        'urlpatterns = [path("", include("django_lifespan_typed.urls"))]\n'
    )
    port = reserved_port()

    with running(*UVICORN, port, "--lifespan", option, folder=folder) as server:
        if option == "on":
            assert server.wait() == 3
            return
        response, alive = answer(server, port, "/"), answer(server, port, "/livez")
        server.end(signal.SIGINT)

    assert (response.status_code, alive.status_code) == (503, 200)
    assert "the warehouse is away" in response.text
    assert "the warehouse is away" in server.output


@pytest.fixture
def with_client(registry: Registry) -> StateKey[httpx.AsyncClient]:
    """A registry with one httpx client."""

    @lifespan_resource("httpx_client", registry=registry)
    async def httpx_client() -> AsyncGenerator[httpx.AsyncClient]:
        async with httpx.AsyncClient() as opened:
            yield opened

    return httpx_client


GLOBAL: Final = """
import asyncio, httpx, sys

shared = httpx.AsyncClient(trust_env=False)

async def ask():
    return (await shared.get(sys.argv[1])).text

print(asyncio.run(ask()))
print(asyncio.run(ask()))
"""


def test_a_global_client_fails_on_a_second_loop(
    books: tuple[str, set[Any]], tmp_path: Path
) -> None:
    with running("-c", GLOBAL, f"{books[0]}/1", folder=tmp_path) as process:
        assert process.wait() == 1

    assert process.lines[0] == "the book at /1"
    assert_on_page(process.output, "Event loop is closed")


def test_a_global_lock_fails_on_a_second_loop() -> None:
    lock = asyncio.Lock()

    async def wait_for_it() -> None:
        waiting = asyncio.ensure_future(lock.acquire())
        await asyncio.sleep(0)
        waiting.cancel()

    async def use() -> None:
        await lock.acquire()
        await wait_for_it()

    async def use_again() -> None:
        await lock.acquire()

    asyncio.run(use())
    with pytest.raises(RuntimeError) as error:
        asyncio.run(use_again())

    assert_on_page(error.value, "is bound to a different event loop")


def test_the_sync_view_runs_on_the_loop_of_the_client(
    site: Site, books: tuple[str, set[Any]]
) -> None:
    folder, port = site("httpx"), reserved_port()
    heading = "Event loop is closed"
    (folder / "mysite" / "views.py").write_text(code(heading))
    (folder / "mysite" / "urls.py").write_text(
        "from django.urls import path\n"
        "from .views import book\n"
        'urlpatterns = [path("<slug:isbn>", book)]\n'
    )

    with running(
        *UVICORN, port, folder=folder, BOOKS_URL=books[0], NO_PROXY="*"
    ) as server:
        texts = [answer(server, port, f"/{isbn}").text for isbn in (1, 2)]
        server.end(signal.SIGINT)

    assert texts == ["the book at /books/1", "the book at /books/2"]


def test_async_code_on_another_loop(
    registry: Registry, with_client: StateKey[httpx.AsyncClient]
) -> None:
    async def look_up() -> httpx.AsyncClient:
        return current_state()[with_client]

    with Lifespan(registry) as state:
        with pytest.raises(RuntimeError) as error:
            asyncio.run(look_up())
        with pytest.raises(RuntimeError):
            async_to_sync(look_up, force_new_loop=True)()

        assert current_lifespan().call(look_up) is state[with_client]
        assert async_to_sync(look_up)() is state[with_client]
    assert_on_page(error.value, "the running event loop has no lifespan")


async def test_a_view_that_closes_the_client(
    registry: Registry, with_client: StateKey[httpx.AsyncClient]
) -> None:
    async with Lifespan(registry) as state:
        with pytest.raises(RuntimeError) as again:
            await state[with_client].__aenter__()
        await state[with_client].aclose()
        with pytest.raises(RuntimeError) as closed:
            await state[with_client].get("http://127.0.0.1:9")

    assert_on_page(again.value, "Cannot open a client instance more than once")
    assert_on_page(closed.value, "Cannot send a request, as the client has been closed")


class Connection:
    """As aiosqlite's: awaiting it and entering it start its thread."""

    def __init__(self) -> None:
        self._thread = Thread(target=lambda: None)

    def __await__(self) -> Generator[Any, None, Self]:
        self._thread.start()
        return asyncio.sleep(0, self).__await__()

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(self, *_: object) -> None:
        pass


async def opened_client() -> httpx.AsyncClient:
    return await httpx.AsyncClient().__aenter__()


async def opened_connection() -> Connection:
    return await Connection()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (opened_client, "Cannot open a client instance more than once"),
        (opened_connection, "threads can only be started\nonce"),
    ],
)
async def test_a_factory_that_returns_an_open_client(
    factory: Any, message: str, registry: Registry
) -> None:
    lifespan_resource("client", registry=registry)(factory)

    with pytest.raises(RuntimeError) as error:
        async with Lifespan(registry):
            pass

    assert message in PAGE
    assert message.replace("\n", " ") in str(error.value)


async def test_the_factory_that_yields_works(default_registry: Registry) -> None:
    exec(code('Cannot open a client instance more than once" at startup'), {})

    async with Lifespan() as state:
        assert not state["httpx_client"].is_closed
    assert "httpx_client" in default_registry


def test_a_value_that_belongs_to_a_thread(registry: Registry) -> None:
    @lifespan_resource("sqlite", registry=registry)
    def sqlite() -> Generator[sqlite3.Connection]:
        connection = sqlite3.connect(":memory:")
        yield connection
        connection.close()

    with Lifespan(registry) as state, pytest.raises(sqlite3.Error) as error:
        state[sqlite].execute("select 1")

    message = "SQLite objects created in a thread can only be used in that same thread"
    assert_on_page(error.value, message)


async def test_a_context_variable_of_a_factory(registry: Registry) -> None:
    variable = contextvars.ContextVar("variable", default="default")

    @lifespan_resource("setter", registry=registry)
    async def setter() -> None:
        variable.set("set")

    async with Lifespan(registry):
        assert variable.get() == "default"


# --- The shutdown fails


async def test_a_task_group_is_exited_where_it_was_entered(
    default_registry: Registry,
) -> None:
    exec(code("Attempted to exit cancel scope"), {})
    lifespan, group = Lifespan(), anyio.create_task_group()

    async with lifespan as state:
        state["tasks"].start_soon(anyio.sleep_forever)
    await asyncio.create_task(group.__aenter__())
    with pytest.raises(RuntimeError) as error:
        await asyncio.create_task(group.__aexit__(None, None, None))

    assert "tasks" in default_registry
    message = "exit cancel scope in a different task than it was entered in"
    assert_on_page(error.value, message)


@pytest.mark.parametrize("with_exec", [False, True], ids=["without", "with"])
def test_a_shell_script_passes_no_signal_on(with_exec: bool, site: Site) -> None:
    folder = site()
    start = f"{'exec ' if with_exec else ''}{sys.executable} {' '.join(UVICORN)} 0"
    shell = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"
    with running("-c", shell, f"{start}\nexit $?", folder=folder) as process:
        process.until("Uvicorn running")
        process.send(signal.SIGTERM)
        if with_exec:
            process.wait()

        closed = bool(process.found("stopped 'greeter' in"))
    assert closed == with_exec


# --- Tests fail


async def test_a_late_override_does_not_reach_dependents(registry: Registry) -> None:
    @lifespan_resource("http", registry=registry)
    async def http() -> str:
        return "real"

    @lifespan_resource("catalogue", needs=(http,), registry=registry)
    async def catalogue(given: str) -> str:
        return given

    async with Lifespan(registry) as state:
        with override_state(http, "fake"):
            assert state[http] == "fake"
            assert state[catalogue] == "real"
    with override_state(http, "fake"):
        async with Lifespan(registry) as state:
            assert state[catalogue] == "fake"


async def test_a_patched_name_does_not_change_the_resource(
    registry: Registry, with_client: StateKey[httpx.AsyncClient]
) -> None:
    module = mock.Mock(httpx_client=with_client)

    with mock.patch.object(module, "httpx_client"):
        async with Lifespan(registry) as state:
            assert isinstance(state["httpx_client"], httpx.AsyncClient)


def test_the_test_case_of_the_page_passes(site: Site) -> None:
    folder = site("httpx")
    (folder / "mysite" / "tests.py").write_text(code("reach the real service"))

    with running("manage.py", "test", "mysite", folder=folder) as process:
        assert process.wait() == 0, process.output

    assert "Ran 1 test" in process.output
    assert "started 'httpx_client'" not in process.output


# --- Types

ANY: Final = """
from typing import reveal_type

from django_lifespan_typed import LifespanRequest, StateKey

KEY = StateKey("prices")

@lifespan_resource("bare")
async def bare():
    yield 1

def causes(request: LifespanRequest) -> None:
    reveal_type(get_state(request, bare))
    reveal_type(request.state["prices"])
    reveal_type(get_state(request, KEY))

def fixed(request: LifespanRequest) -> None:
    reveal_type(get_state(request, prices))
"""


@pytest.mark.checkers
def test_what_mypy_sees(tmp_path: Path) -> None:
    text = code("infers Any") + ANY.replace("typing", "typing_extensions", 1)
    (tmp_path / "views.py").write_text(text)
    (tmp_path / "mypy.ini").write_text("[mypy]\n")

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "views.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    revealed = re.findall(r'Revealed type is "(.*)"', checked.stdout)
    assert revealed[:3] == ["Any"] * 3, checked.stdout
    assert "dict[" in revealed[3], checked.stdout
