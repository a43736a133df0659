"""The table "What changes" of docs/how-to/moving.md: each row, on both packages."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
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

from django_lifespan_typed import LifespanState, run_asgi_lifespan

pytest.importorskip("django_asgi_lifespan", reason="the other package")

BEFORE: Final = "django_asgi_lifespan"
AFTER: Final = "django_lifespan_typed"


@final
class Package:
    """One of the two, with nothing registered."""

    def __init__(self, name: str) -> None:
        self.is_before = name == BEFORE
        self.middleware = f"{name}.middleware.LifespanStateMiddleware"
        self._name = name

    def module(self, name: str) -> ModuleType:
        return import_module(f"{self._name}.{name}")

    def register(self, manager: Callable[[], Any]) -> None:
        self.module("register").register_lifespan_manager(context_manager=manager)

    def connect(self, signal: str, receiver: Callable[..., Any]) -> None:
        getattr(self.module("signals"), signal).connect(receiver, weak=False)

    async def run(self) -> dict[str, Any]:
        """Start and stop; the state in between."""
        application = self.module("asgi").get_asgi_application()
        async with run_asgi_lifespan(application, state={}) as state:
            return dict(state)


@pytest.fixture(params=[BEFORE, AFTER])
def package(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Package]:
    package = Package(request.param)
    for name in ("asgi_lifespan", "asgi_startup", "asgi_shutdown"):
        signal = getattr(package.module("signals"), name)
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()
    with override_settings(MIDDLEWARE=[package.middleware]):
        yield package


def manager(
    name: Any, journal: list[str], *, after: asyncio.Event | None = None
) -> Callable[[], Any]:
    """Adds to *journal* that it opens, once *after* is set, and that it closes."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[dict[Any, Any]]:
        if after is not None:
            await after.wait()
        journal.append(f"+{name}")
        yield {name: name}
        journal.append(f"-{name}")

    return opened


async def test_asgi_startup_is_sent_after_the_managers(
    package: Package, journal: list[str]
) -> None:
    given: set[str] = set()

    async def receiver(**named: Any) -> None:
        given.update(named)
        journal.append("asgi_startup")

    package.register(manager("a", journal))
    package.connect("asgi_startup", receiver)

    await package.run()

    after = ["+a", "asgi_startup", "-a"]
    assert journal == (["asgi_startup", "+a", "-a"] if package.is_before else after)
    assert {"scope"} <= given
    assert ("state" in given) is not package.is_before


async def test_asgi_lifespan_is_sent_before_managers(
    package: Package, journal: list[str]
) -> None:
    """A receiver may return ``None`` now."""

    async def receiver(**_: Any) -> Any:
        journal.append("asgi_lifespan")
        return partial(nullcontext, {}) if package.is_before else None

    package.register(manager("a", journal))
    package.connect("asgi_lifespan", receiver)

    await package.run()

    assert journal == ["asgi_lifespan", "+a", "-a"]


async def test_managers_close_in_reverse_order_of_registration(
    package: Package, journal: list[str]
) -> None:
    """Before: in reverse order of startup."""
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

    closed = ["-a", "-b"] if package.is_before else ["-b", "-a"]
    assert journal == ["+b", "+a", *closed]


async def test_two_managers_with_one_name_are_refused(package: Package) -> None:
    """Before: the first one wins."""
    package.register(lambda: nullcontext({"a": 1}))
    package.register(lambda: nullcontext({"a": 2}))

    if package.is_before:
        assert await package.run() == {"a": 1}
    else:
        with pytest.raises(Exception, match="'a'") as raised:
            await package.run()
        assert str(raised.value).count("test_what_changes.py:") >= 2


async def test_a_manager_that_is_registered_twice_opens_once(
    package: Package, journal: list[str]
) -> None:
    same = manager("a", journal)
    package.register(same)
    package.register(same)

    await package.run()

    assert journal.count("+a") == (2 if package.is_before else 1)


async def test_sync_receivers_are_called_in_a_thread(
    package: Package, journal: list[str]
) -> None:
    """Before: on the event loop's thread under Django 4.2; asgi_lifespan has none."""
    threads: list[threading.Thread] = []
    package.connect(
        "asgi_startup", lambda **_: threads.append(threading.current_thread())
    )
    package.connect("asgi_lifespan", lambda **_: manager("a", journal))

    await package.run()

    on_loop = package.is_before and django.VERSION < (5, 0)
    assert journal == ([] if package.is_before else ["+a", "-a"])
    assert [thread is threading.current_thread() for thread in threads] == [on_loop]


async def state_of_request(package: Package, state: dict[Any, Any]) -> Any:
    """The state that the middleware makes from the scope's."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    request: Any = ASGIRequest({**scope, "state": state}, BytesIO())

    async def get_response(_: Any) -> None:
        """An empty view."""

    await package.module("middleware").LifespanStateMiddleware(get_response)(request)
    return request.state


async def test_a_name_in_a_state_is_a_string(package: Package) -> None:
    state = await state_of_request(package, {1: "one"})

    if package.is_before:
        assert state[1] == "one"
    else:
        with pytest.raises(KeyError):
            state[1]


async def test_request_state_is_a_lifespan_state(package: Package) -> None:
    """Before: the dictionary of the scope."""
    values = {"a": 1}

    state = await state_of_request(package, values)
    state["b"] = 2

    assert values == {"a": 1, "b": 2}
    if package.is_before:
        assert state is values
    else:
        assert isinstance(state, LifespanState)
        assert not isinstance(state, dict)
        assert state | {"c": 3} == {"a": 1, "b": 2, "c": 3}
        assert json.dumps(state.copy()) == '{"a": 1, "b": 2}'
        with pytest.raises(TypeError, match="not JSON serializable"):
            json.dumps(state)


async def test_each_request_of_the_aware_client_has_its_own_state(
    package: Package,
) -> None:
    client = package.module("testing").LifespanAwareAsyncClient(state={})

    answers = [(await client.get("/names")).json() for _ in range(2)]

    assert answers == [[], ["written"] if package.is_before else []]


async def test_managers_open_without_a_state_of_the_server(
    package: Package, journal: list[str]
) -> None:
    package.register(manager("a", journal))
    application = package.module("asgi").get_asgi_application()

    async def without_state(scope: Any, receive: Any, send: Any) -> None:
        await application({"type": scope["type"]}, receive, send)

    async with run_asgi_lifespan(without_state):
        pass

    assert journal == ([] if package.is_before else ["+a", "-a"])


async def test_a_first_request_starts_everything(
    package: Package, journal: list[str]
) -> None:
    """Before: the middleware fails without a lifespan."""
    package.register(manager("a", journal))
    application = package.module("asgi").get_asgi_application()
    transport = httpx.ASGITransport(application)

    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get("http://testserver/names")

    if package.is_before:
        assert (answer.status_code, journal) == (500, [])
    else:
        assert (answer.json(), journal) == (["a"], ["+a"])


def test_these_modules_and_names_moved_or_are_gone() -> None:
    before, after = Package(BEFORE), Package(AFTER)

    for name in ("compat", "dispatcher", "errors", "events"):
        assert find_spec(f"{BEFORE}.{name}") is not None
        assert find_spec(f"{AFTER}.{name}") is None
    assert hasattr(before.module("register"), "LifespanContextManagerSignalWrapper")
    assert not hasattr(after.module("register"), "LifespanContextManagerSignalWrapper")
    assert "LifespanSender" in vars(before.module("events"))
    assert "LifespanSender" in after.module("signals").__all__
