"""``get_state``: from every source, and why something is not there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.exceptions import LifespanNotRunning, StateNotFound
from django_lifespan_typed.handler import LifespanASGIHandler

from .places import drawn
from .server import FakeServer

KEY = StateKey[int]("number")

# As in these tests.
NOT_INSTALLED = (
    'lifespan.py is looked for where "django_lifespan_typed" is in INSTALLED_APPS, '
    "which it is not.\n"
)


def _asgi_request(state: dict[str, Any] | None) -> HttpRequest:
    request = AsyncRequestFactory().get("/")
    if state is not None:
        request.scope["state"] = state
    return request


class Consumer:
    """What a Channels consumer looks like from here."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope


def _request_with_state_alone(state: dict[str, Any] | None) -> HttpRequest:
    request = RequestFactory().get("/")
    if state is not None:
        request.state = LifespanState(state)  # type: ignore[attr-defined]
    return request


def _asgi_request_with_state_alone(state: dict[str, Any] | None) -> HttpRequest:
    request = AsyncRequestFactory().get("/")
    if state is not None:
        request.state = LifespanState(state)  # type: ignore[attr-defined]
    return request


def _scope(state: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "http"} if state is None else {"type": "http", "state": state}


SOURCES = [
    pytest.param(_asgi_request, id="ASGI request"),
    pytest.param(_request_with_state_alone, id="WSGI request"),
    pytest.param(
        _asgi_request_with_state_alone, id="ASGI request, state set by a test"
    ),
    pytest.param(_scope, id="scope"),
    pytest.param(lambda state: Consumer(_scope(state)), id="consumer"),
    pytest.param(
        lambda state: SimpleNamespace(scope=_scope(state)), id="object with a scope"
    ),
]

Source = Callable[[Any], Any]


# --- From every source


@pytest.mark.parametrize("source", SOURCES)
def test_a_value_is_read_from_the_source(source: Source) -> None:
    """Whatever carries the state, with the loop and without."""
    assert get_state(source({"number": 7}), KEY) == 7


@pytest.mark.parametrize("value", [None, 0, "", False], ids=repr)
@pytest.mark.parametrize("source", SOURCES)
def test_a_value_that_is_false_is_a_value(source: Source, value: Any) -> None:
    """Nothing is taken for missing but what is missing."""
    assert get_state(source({"number": value}), KEY, "default") is value


@pytest.mark.parametrize("source", SOURCES)
async def test_the_running_lifespan_is_asked_next(
    source: Source, registry: Registry
) -> None:
    """A source without state still finds what runs on this loop."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    async with Lifespan(registry):
        by_key = get_state(source(None), KEY)
        by_resource = get_state(source(None), number)
        from_an_empty_state = get_state(source({}), KEY)
        from_thread = await sync_to_async(get_state)(source(None), KEY)

    assert [by_key, by_resource, from_an_empty_state, from_thread] == [7, 7, 7, 7]


@pytest.mark.parametrize("source", SOURCES)
async def test_the_source_goes_before_the_lifespan(
    source: Source, registry: Registry
) -> None:
    """A fake in a test's state hides what really runs."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    async with Lifespan(registry):
        found = get_state(source({"number": 8}), KEY)

    assert found == 8


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("default", [None, 0, "instead"], ids=repr)
def test_a_default_is_given_for_what_is_missing(source: Source, default: Any) -> None:
    """Also None, which is a default like any other."""
    assert get_state(source({"other": 1}), KEY, default) is default
    assert get_state(source(None), KEY, default) is default


async def test_the_innermost_lifespan_of_a_loop_is_asked() -> None:
    """A test's own lifespan hides the one round it, and only while it runs."""
    outer, inner = Registry(), Registry()

    @lifespan_resource(KEY, registry=outer)
    async def one() -> int:
        return 1

    @lifespan_resource(KEY, registry=inner)
    async def two() -> int:
        return 2

    async with Lifespan(outer):
        before = get_state({}, KEY)
        async with Lifespan(inner):
            within = get_state({}, KEY)
        after = get_state({}, KEY)

    assert [before, within, after] == [1, 2, 1]


def test_a_key_of_the_same_name_finds_the_same_value() -> None:
    """Keys are names with types: who declares it again asks for the same."""
    assert get_state({"state": {"number": 7}}, StateKey[int]("number")) == 7


# --- Why something is not there


def test_a_name_is_not_a_key() -> None:
    """A string has no type: the error says what to write."""
    with pytest.raises(TypeError) as caught:
        get_state({"state": {"number": 7}}, "number")  # type: ignore[call-overload]

    assert str(caught.value) == (
        "get_state() takes a StateKey or a Resource, not 'number'\n"
        'Write: KEY = StateKey[SomeType]("some_name"), then get_state(request, KEY)'
    )


def test_an_object_without_a_scope_is_no_source() -> None:
    """The error says what is one, and what to write without any."""
    with pytest.raises(TypeError) as caught:
        get_state(42, KEY)  # type: ignore[call-overload]

    assert str(caught.value) == (
        "get_state() takes an HttpRequest, an ASGI scope or an object with a .scope, "
        "not 42\nWithout any of them, write: current_state()[KEY]"
    )


def test_a_wrong_source_is_an_error_in_spite_of_a_default() -> None:
    """A default is for values, not for mistakes."""
    with pytest.raises(TypeError):
        get_state(None, KEY, 0)  # type: ignore[call-overload]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("state", [{}, None], ids=["empty state", "no state"])
def test_without_any_lifespan_the_error_says_how_to_have_one(
    source: Source, state: dict[str, Any] | None
) -> None:
    """Under a server, and in a test, a command, a shell."""
    with pytest.raises(StateNotFound) as caught:
        get_state(source(state), KEY)

    assert str(caught.value) == (
        "no 'number' on the lifespan state: no lifespan runs in this process\n"
        "Under an ASGI server: let asgi.py use "
        "django_lifespan_typed.asgi.get_asgi_application, and pass scopes of type "
        '"lifespan" on to it; round a router, with_lifespan(...).\n'
        "Under a WSGI server, Django's runserver too: let wsgi.py use "
        "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        "In a command: derive it from LifespanCommand. In a Celery worker: "
        "connect_lifespan(app). In a test: LifespanTestCase, or pytest's fixture "
        "lifespan.\n"
        "In a shell or a script: with Lifespan() as state: ..., or async with in async "
        "code. At import, and in AppConfig.ready(), none runs yet."
    )
    assert caught.value.name == "number"


def test_it_is_a_key_error() -> None:
    """Code that knows dictionaries can catch it."""
    with pytest.raises(KeyError):
        get_state({}, KEY)


async def test_after_a_failed_start_the_error_says_so(registry: Registry) -> None:
    """Half a site that is served all the same names what was wrong."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        raise OSError("no route")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        await server.outcome()

    with pytest.raises(StateNotFound) as caught:
        get_state({}, KEY)

    assert str(caught.value) == (
        "no 'number' on the lifespan state: the lifespan did not start: "
        "OSError: no route\n"
        "The log, or the server's output, has the traceback."
    )


async def test_of_a_name_that_nothing_registers_the_error_says_what_there_is(
    registry: Registry,
) -> None:
    """With the place of the key, and the name that was meant perhaps."""
    mistaken = StateKey[int]("numbr")  # G1

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    async with Lifespan(registry):
        with pytest.raises(StateNotFound) as caught:
            get_state({"state": {"other": 1}}, mistaken)

    assert str(caught.value) == (
        "no 'numbr' on the lifespan state: nothing registers it\n"
        f"{drawn(__file__, '# G1')}\n"
        "Did you mean 'number'? It has: 'number', 'other'.\n"
        f"{NOT_INSTALLED}Declare it with @lifespan_resource in lifespan.py of an "
        "installed app, or in a module that is imported at start-up, by "
        "AppConfig.ready() for example."
    )


def test_where_our_app_is_installed_it_is_not_said_to_be_missing() -> None:
    """Then lifespan.py was looked for."""
    absent = StateKey[int]("absent")

    with (
        override_settings(INSTALLED_APPS=["django_lifespan_typed"]),
        pytest.raises(StateNotFound) as caught,
    ):
        get_state({"state": {"other": 1}}, absent)

    assert "INSTALLED_APPS" not in str(caught.value)


def test_before_django_is_set_up_the_error_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a script without ``django.setup()``, or while models are imported."""
    monkeypatch.setattr(apps, "apps_ready", False)

    with pytest.raises(StateNotFound, match="nothing registers it"):
        get_state({"state": {"other": 1}}, StateKey[int]("absent"))


def test_of_a_name_that_a_tests_state_lacks_the_error_says_what_there_is() -> None:
    """Without a lifespan, a state alone is all that there is."""
    absent = StateKey[int]("absent")  # G2

    with pytest.raises(StateNotFound) as caught:
        get_state({"state": {"other": 1}}, absent)

    assert str(caught.value) == (
        "no 'absent' on the lifespan state: nothing registers it\n"
        f"{drawn(__file__, '# G2')}\n"
        "It has: 'other'.\n"
        f"{NOT_INSTALLED}Declare it with @lifespan_resource in lifespan.py of an "
        "installed app, or in a module that is imported at start-up, by "
        "AppConfig.ready() for example."
    )


def test_of_a_registered_name_that_a_tests_state_lacks_the_error_says_so(
    default: Registry,
) -> None:
    """It is registered: what lacks it is the state that the test passed."""

    @lifespan_resource("db")  # G3
    async def db() -> str:
        return "db"

    with pytest.raises(StateNotFound) as caught:
        get_state({"state": {"other": 1}}, db)

    assert str(caught.value) == (
        "no 'db' on the lifespan state: it is registered, but this state was not "
        "filled by a lifespan that has it\n"
        f"{drawn(__file__, '# G3')}\n"
        "It has: 'other'.\n"
        "Add it to that state, or start a lifespan: async with Lifespan()."
    )


async def test_of_a_resource_that_still_starts_the_error_says_so(
    registry: Registry,
) -> None:
    """A resource asks for another one without naming it in ``needs=``."""
    started, leave = asyncio.Event(), asyncio.Event()
    caught: list[StateNotFound] = []

    @lifespan_resource("slow", registry=registry)  # G4
    async def slow() -> int:
        started.set()
        await leave.wait()
        return 7

    @lifespan_resource("hasty", registry=registry)
    async def hasty() -> int:
        await started.wait()
        try:
            return get_state({}, slow)
        except StateNotFound as error:
            caught.append(error)
            return 0
        finally:
            leave.set()

    async with Lifespan(registry):
        pass

    (error,) = caught
    assert str(error) == (
        "no 'slow' on the lifespan state: its resource is starting\n"
        f"{drawn(__file__, '# G4')}\n"
        "Ask for it after it has started; pass it in needs= to be sure."
    )


async def test_of_a_resource_that_failed_the_error_names_its_error(
    registry: Registry,
) -> None:
    """While what had started is being closed, somebody asks for what failed."""
    caught: list[StateNotFound] = []

    @lifespan_resource("first", registry=registry)
    async def first() -> AsyncGenerator[int]:
        yield 1
        try:
            get_state({}, fails)
        except StateNotFound as error:
            caught.append(error)

    @lifespan_resource("fails", needs=(first,), registry=registry)  # G5
    async def fails(first: int) -> int:
        raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        async with Lifespan(registry):
            pass

    (error,) = caught
    assert str(error) == (
        "no 'fails' on the lifespan state: its resource is failed (OSError)\n"
        f"{drawn(__file__, '# G5')}\n"
        "Ask for it after it has started; pass it in needs= to be sure."
    )


async def test_of_a_resource_that_only_left_out_the_error_says_so(
    default: Registry,
) -> None:
    """It is registered, and not in the lifespan that runs."""

    @lifespan_resource("db")
    async def db() -> str:
        return "db"

    @lifespan_resource("cache")  # G6
    async def cache() -> str:
        return "cache"

    async with Lifespan(only=(db,)):
        with pytest.raises(StateNotFound) as caught:
            get_state({}, cache)

    assert str(caught.value) == (
        "no 'cache' on the lifespan state: it is registered, but not in the lifespan "
        "that runs\n"
        f"{drawn(__file__, '# G6')}\n"
        "Add it to only=, or to that lifespan's registry."
    )


async def test_of_a_resource_that_came_too_late_the_error_says_so(
    default: Registry,
) -> None:
    """A module that the URLconf imports first, at the first request."""
    async with Lifespan():

        @lifespan_resource("late")  # G7
        async def late() -> str:
            return "late"

        with pytest.raises(StateNotFound) as caught:
            get_state({}, late)

    assert str(caught.value) == (
        "no 'late' on the lifespan state: it was declared after the lifespan had "
        "started\n"
        f"{drawn(__file__, '# G7')}\n"
        f"{NOT_INSTALLED}Declare it in lifespan.py of an installed app, or import its "
        "module in asgi.py or wsgi.py."
    )


async def test_on_another_loop_the_error_names_both(registry: Registry) -> None:
    """Instead of "Event loop is closed", later and elsewhere."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    def elsewhere() -> tuple[str, str]:
        async def ask() -> tuple[str, str]:
            with pytest.raises(StateNotFound) as caught:
                get_state({}, KEY)
            return str(caught.value), repr(asyncio.get_running_loop())

        return asyncio.run(ask())

    async with Lifespan(registry):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(elsewhere)
            said, other = await asyncio.wrap_future(waiting)
        here = repr(asyncio.get_running_loop())

    assert said == (
        "no 'number' on the lifespan state: the running event loop has no lifespan\n"
        f"    {other}\n"
        "while there is one on\n"
        f"    {here}\n"
        "Values belong to the loop that started them: run the code there, or "
        "start a lifespan here: async with Lifespan()."
    )


def test_a_thread_beside_two_lifespans_is_told_that_there_are_two() -> None:
    """Nobody guesses whose value was meant."""
    both_run, asked = threading.Barrier(3, timeout=30), threading.Barrier(3, timeout=30)

    def in_thread() -> None:
        async def serve() -> None:
            async with Lifespan(Registry()):
                both_run.wait()
                asked.wait()

        asyncio.run(serve())

    threads = [threading.Thread(target=in_thread) for _ in range(2)]
    for thread in threads:
        thread.start()
    both_run.wait()
    shown = "\n".join(f"    {loop!r}" for loop in running.loops())
    try:
        with pytest.raises(LifespanNotRunning) as caught:
            get_state({}, KEY)
        given = get_state({"state": {"number": 7}}, KEY)
    finally:
        asked.wait()
        for thread in threads:
            thread.join()

    assert str(caught.value) == (
        "this thread has no event loop, and the process has more than one "
        f"lifespan\n{shown}\nPass what tells them apart: the request, or its "
        "scope, to get_state()."
    )
    assert given == 7


async def test_values_are_gone_with_their_lifespan(registry: Registry) -> None:
    """After the stop there is no lifespan that could be asked."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    async with Lifespan(registry):
        pass

    assert get_state({}, KEY, None) is None
