"""The table "What changes" of docs/how-to/moving.md: each row, on both packages."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from types import ModuleType
from typing import Any, Final, final

import django
import httpx
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import override_settings

from django_lifespan_typed import Lifespan
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed._runtime.state import LifespanState
from tests.asgi.server import STARTED, STOPPED, FakeServer

pytest.importorskip("django_asgi_lifespan", reason="the package of before")

BEFORE: Final = "django_asgi_lifespan"
AFTER: Final = "django_lifespan_typed"

SIGNALS: Final = ("asgi_lifespan", "asgi_startup", "asgi_shutdown")


@final
class Package:
    """One of the two, with nothing registered."""

    def __init__(self, name: str) -> None:
        self.name = name

    def module(self, name: str) -> ModuleType:
        return import_module(f"{self.name}.{name}")

    def register(self, manager: Callable[[], Any]) -> None:
        self.module("register").register_lifespan_manager(context_manager=manager)

    def connect(self, signal: str, receiver: Callable[..., Any]) -> None:
        getattr(self.module("signals"), signal).connect(receiver, weak=False)

    def serve(self, state: dict[str, Any] | None) -> FakeServer:
        application = self.module("asgi").get_asgi_application()
        return FakeServer(application, state=state)

    async def run(self) -> dict[str, Any]:
        """Start, stop; the state between the two."""
        state: dict[str, Any] = {}
        async with self.serve(state) as server:
            assert await server.startup() == STARTED
            found = state.copy()
            assert await server.shutdown() == STOPPED
        return found

    async def refuses(self) -> str:
        """What the message of a failed start says."""
        async with self.serve({}) as server:
            answer = await server.startup()
        assert answer["type"] == "lifespan.startup.failed"
        return str(answer["message"])


@pytest.fixture(params=[BEFORE, AFTER])
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Package:
    package = Package(request.param)
    for name in SIGNALS:
        signal = getattr(package.module("signals"), name)
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()
    monkeypatch.setattr(default_registry, "_resources", {})
    monkeypatch.setattr(default_registry, "_managers", [])
    return package


def is_before(package: Package) -> bool:
    return package.name == BEFORE


def manager(
    name: Any, journal: list[str], *, after: asyncio.Event | None = None
) -> Callable[[], Any]:
    """It notes that it opens, once *after* is set, and that it closes."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[dict[Any, Any]]:
        if after is not None:
            await after.wait()
        journal.append(f"+{name}")
        yield {name: name}
        journal.append(f"-{name}")

    return opened


async def test_asgi_startup(package: Package, journal: list[str]) -> None:
    """Sent before the managers, or after them."""
    given: set[str] = set()

    async def receiver(**named: Any) -> None:
        given.update(named)
        journal.append("asgi_startup")

    package.register(manager("a", journal))
    package.connect("asgi_startup", receiver)

    await package.run()

    assert journal == (
        ["asgi_startup", "+a", "-a"]
        if is_before(package)
        else ["+a", "asgi_startup", "-a"]
    )
    assert given - {"signal", "sender"} == (
        {"scope"} if is_before(package) else {"scope", "state"}
    )


async def test_a_receiver_of_asgi_lifespan_comes_before_managers(
    package: Package, journal: list[str]
) -> None:
    """Where the work of a receiver that they need may go; it may return None now."""

    @asynccontextmanager
    async def nothing() -> AsyncGenerator[dict[str, Any]]:
        yield {}

    async def receiver(**_: Any) -> Any:
        journal.append("asgi_lifespan")
        return nothing if is_before(package) else None

    package.register(manager("a", journal))
    package.connect("asgi_lifespan", receiver)

    await package.run()

    assert journal == ["asgi_lifespan", "+a", "-a"]


async def test_the_order_in_which_managers_close(
    package: Package, journal: list[str]
) -> None:
    """The last that had started first, or the last that was registered."""
    late = asyncio.Event()

    @asynccontextmanager
    async def second() -> AsyncGenerator[dict[str, Any]]:
        async with manager("b", journal)() as state:
            late.set()
            yield state
            await asyncio.sleep(0)  # another could close now

    package.register(manager("a", journal, after=late))
    package.register(second)

    await package.run()

    assert journal == [
        "+b",
        "+a",
        *(["-a", "-b"] if is_before(package) else ["-b", "-a"]),
    ]


async def test_two_managers_that_yield_one_name(package: Package) -> None:
    """The one that was registered first, or neither."""

    def yielding(value: int) -> Any:
        @asynccontextmanager
        async def opened() -> AsyncGenerator[dict[str, Any]]:
            yield {"a": value}

        return opened

    package.register(yielding(1))
    package.register(yielding(2))

    if is_before(package):
        assert await package.run() == {"a": 1}
    else:
        assert (await package.refuses()).count("test_what_changes.py:") >= 2


async def test_the_same_manager_twice(package: Package, journal: list[str]) -> None:
    """Opens twice, or once."""
    same = manager("a", journal)
    package.register(same)
    package.register(same)

    await package.run()

    assert journal.count("+a") == (2 if is_before(package) else 1)


async def test_a_name_that_is_no_string(package: Package) -> None:
    """Found on ``request.state``, or not."""
    state = await state_of_request(package, {1: "one"})

    if is_before(package):
        assert state[1] == "one"
    else:
        with pytest.raises(KeyError):
            state[1]


async def test_a_sync_receiver_of_asgi_lifespan(
    package: Package, journal: list[str]
) -> None:
    """Left out, or called as the others are."""
    package.connect("asgi_lifespan", lambda **_: manager("a", journal))

    await package.run()

    assert journal == ([] if is_before(package) else ["+a", "-a"])


async def test_the_thread_of_sync_receivers(package: Package) -> None:
    """The loop's own under Django 4.2, or another everywhere."""
    threads: list[threading.Thread] = []
    package.connect(
        "asgi_startup", lambda **_: threads.append(threading.current_thread())
    )

    await package.run()

    on_the_loop = is_before(package) and django.VERSION < (5, 0)
    assert [thread is threading.current_thread() for thread in threads] == [on_the_loop]


async def state_of_request(package: Package, state: dict[Any, Any]) -> Any:
    """What the middleware makes of the state of a scope."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    request: Any = ASGIRequest({**scope, "state": state}, BytesIO())

    async def get_response(_: Any) -> None:
        """A view that has nothing to say."""

    await package.module("middleware").LifespanStateMiddleware(get_response)(request)
    return request.state


async def test_request_state(package: Package) -> None:
    """The dictionary of the scope, or a view on it."""
    values = {"a": 1}

    state = await state_of_request(package, values)
    state["b"] = 2

    assert values == {"a": 1, "b": 2}
    if is_before(package):
        assert state is values
    else:
        assert isinstance(state, LifespanState)
        assert not isinstance(state, dict)
        assert state == values
        assert state | {"c": 3} == {"a": 1, "b": 2, "c": 3}
        assert json.dumps(state.copy()) == '{"a": 1, "b": 2}'
        with pytest.raises(TypeError, match="not JSON serializable"):
            json.dumps(state)


@override_settings(ROOT_URLCONF="tests.asgi.urls")
async def test_the_aware_client(package: Package) -> None:
    """Its requests share one state, or each has its own."""
    client = package.module("testing").LifespanAwareAsyncClient(state={})
    middleware = f"{package.name}.middleware.LifespanStateMiddleware"

    with override_settings(MIDDLEWARE=[middleware]):
        answers = [(await client.get("/write")).json() for _ in range(2)]

    assert answers == [[], ["written"] if is_before(package) else []]


async def test_a_server_that_gives_no_state(
    package: Package, journal: list[str]
) -> None:
    """No manager is opened, or all are."""
    package.register(manager("a", journal))

    async with package.serve(None) as server:
        assert await server.startup() == STARTED
        assert await server.shutdown() == STOPPED

    assert journal == ([] if is_before(package) else ["+a", "-a"])


def transport(package: Package) -> httpx.AsyncClient:
    """A test client that sends no lifespan."""
    application = package.module("asgi").get_asgi_application()
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://testserver"
    )


@pytest.fixture
def _site(package: Package) -> Any:
    middleware = f"{package.name}.middleware.LifespanStateMiddleware"
    with override_settings(ROOT_URLCONF="tests.asgi.urls", MIDDLEWARE=[middleware]):
        yield


@pytest.mark.usefixtures("_site")
async def test_a_client_that_sends_no_lifespan(
    package: Package, journal: list[str]
) -> None:
    """Nothing is opened and the middleware fails, or the first request starts all."""
    package.register(manager("a", journal))

    async with transport(package) as client:
        answer = await client.get("/names")

    if is_before(package):
        assert answer.status_code == 500
        assert journal == []
    else:
        assert answer.json() == ["a"]
        assert journal == ["+a"]


@pytest.mark.usefixtures("_site")
async def test_a_client_that_sends_no_lifespan_after_a_failed_start(
    package: Package,
) -> None:
    """Ours refuses every request."""

    @asynccontextmanager
    async def broken() -> AsyncGenerator[dict[str, Any]]:
        raise OSError
        yield {}

    package.register(broken)

    async with transport(package) as client:
        answers = [(await client.get("/hello")).status_code for _ in range(2)]

    # The other's middleware fails without a state, started or not.
    assert answers == [500 if is_before(package) else 503] * 2


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("package", [AFTER], indirect=True)
async def test_a_client_round_which_the_lifespan_is(
    package: Package, journal: list[str]
) -> None:
    """What the page says to write in tests: all is closed at the end of the block."""
    package.register(manager("a", journal))

    async with Lifespan(), transport(package) as client:
        answers = [(await client.get("/names")).json() for _ in range(2)]

    assert answers == [["a"], ["a"]]
    assert journal == ["+a", "-a"]


@pytest.mark.parametrize("name", ["compat", "dispatcher", "errors", "events"])
def test_modules_that_are_not_there(name: str) -> None:
    """And were there before."""
    assert find_spec(f"{BEFORE}.{name}") is not None
    assert find_spec(f"{AFTER}.{name}") is None


def test_names_that_are_not_there() -> None:
    """One has gone, and one has another module now."""
    before, after = Package(BEFORE), Package(AFTER)

    assert hasattr(before.module("register"), "LifespanContextManagerSignalWrapper")
    assert not hasattr(after.module("register"), "LifespanContextManagerSignalWrapper")
    assert "LifespanSender" in vars(before.module("events"))
    assert "LifespanSender" in after.module("signals").__all__
