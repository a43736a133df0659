"""get_state and current_state: values from every source, or why there are none."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.core import mail
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._text import address
from django_lifespan_typed.exceptions import LifespanNotRunning, StateNotFound
from django_lifespan_typed.testing import override_state

from .probes import Do, Hang, Probes, Raise

KEY = StateKey[int]("number")

NONE_RUNS = (
    "no lifespan is running in this process\n"
    "This is a test: derive it from django_lifespan_typed.testing.LifespanTestCase, or "
    "use pytest's fixture lifespan.\n"
    "Under an ASGI server: in asgi.py, use "
    "django_lifespan_typed.asgi.get_asgi_application, and pass scopes of type "
    '"lifespan" on to it; around a router, write with_lifespan(...).\n'
    "Under a WSGI server, including Django's runserver: in wsgi.py, use "
    "django_lifespan_typed.wsgi.get_wsgi_application.\n"
    "In a management command: derive it from LifespanCommand. In a Celery worker: "
    "connect_lifespan(app). In a test: LifespanTestCase, or pytest's fixture "
    "lifespan.\n"
    "In a shell or a script: with Lifespan() as state: ..., or async with in async "
    "code. At import, and in AppConfig.ready(), none is running yet."
)


@pytest.fixture
def numbered(registry: Registry) -> Registry:
    """A registry of one resource."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        return 7

    return registry


# --- Values of a source


def _scope(state: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "http"} if state is None else {"type": "http", "state": state}


def _asgi_request(state: dict[str, Any] | None) -> HttpRequest:
    request = AsyncRequestFactory().get("/")
    request.scope = _scope(state)
    return request


def _request_with_only_a_state(
    state: dict[str, Any] | None, factory: Any = RequestFactory
) -> HttpRequest:
    request: HttpRequest = factory().get("/")
    if state is not None:
        request.state = LifespanState(state)  # type: ignore[attr-defined]
    return request


SOURCES = pytest.mark.parametrize(
    "source",
    [
        pytest.param(_asgi_request, id="ASGI request"),
        pytest.param(_request_with_only_a_state, id="WSGI request"),
        pytest.param(
            lambda state: _request_with_only_a_state(state, AsyncRequestFactory),
            id="ASGI request, state set by a test",
        ),
        pytest.param(_scope, id="scope"),
        pytest.param(lambda state: SimpleNamespace(scope=_scope(state)), id="consumer"),
    ],
)

Source = Callable[[Any], Any]


@SOURCES
@pytest.mark.parametrize("value", [7, None, 0, "", False], ids=repr)
def test_a_value_is_read_from_the_source(source: Source, value: Any) -> None:
    """Falsy values are values, too."""
    assert get_state(source({"number": value}), KEY) is value
    assert get_state(source({"number": value}), KEY, "default") is value


@SOURCES
async def test_the_running_lifespan_has_the_values_that_a_source_lacks(
    source: Source, numbered: Registry
) -> None:
    async with Lifespan(numbered):
        found = [
            get_state(source(None), KEY),
            get_state(source({}), KEY),
            get_state(source(None), numbered["number"]),
            await sync_to_async(get_state)(source(None), KEY),
            get_state({"state": None}, KEY),
            get_state(source({"number": 8}), KEY),
        ]
    after = get_state(source(None), KEY, None)

    assert found == [7, 7, 7, 7, 7, 8]
    assert after is None


@SOURCES
@pytest.mark.parametrize("default", [None, 0, "instead"], ids=repr)
def test_the_default_replaces_a_missing_value(source: Source, default: Any) -> None:
    assert get_state(source({"other": 1}), KEY, default) is default
    assert get_state(source(None), KEY, default) is default


# --- The running lifespan


async def test_a_factory_finds_the_values_that_have_started(probes: Probes) -> None:
    seen: list[list[str]] = []
    probes.add_chain("first", "second", "third")
    for probe in probes.all():
        probe.start = Do(lambda: seen.append(sorted(current_state())))

    await probes.run()

    assert seen == [[], ["first"], ["first", "second"]]


# --- Wrong arguments


def test_a_name_is_not_a_key() -> None:
    with pytest.raises(TypeError) as caught:
        get_state({"state": {"number": 7}}, "number")  # type: ignore[call-overload]

    assert str(caught.value) == (
        "get_state() takes a StateKey or a Resource, not an object of type str\n"
        'Write: KEY = StateKey[SomeType]("some_name"), or use the resource.'
    )


def test_a_source_has_a_scope() -> None:
    """A default does not hide the mistake."""
    with pytest.raises(TypeError) as caught:
        get_state(42, KEY, 0)  # type: ignore[call-overload]

    assert str(caught.value) == (
        "get_state() takes an HttpRequest, an ASGI scope or an object with a .scope, "
        "not int\nWithout any of them, write: current_state()[KEY]"
    )


# --- Why there is no lifespan


@SOURCES
@pytest.mark.parametrize("state", [{}, None], ids=["empty state", "no state"])
def test_the_error_without_a_lifespan_explains_how_to_start_one(
    source: Source, state: dict[str, Any] | None
) -> None:
    with pytest.raises(StateNotFound) as caught:
        get_state(source(state), KEY)

    assert isinstance(caught.value, KeyError)
    assert caught.value.name == "number"
    assert str(caught.value) == f"no 'number' on the lifespan state: {NONE_RUNS}"


async def test_there_is_no_current_state_without_a_lifespan() -> None:
    with pytest.raises(LifespanNotRunning) as on_the_loop:
        current_state()
    with pytest.raises(LifespanNotRunning) as in_a_thread:
        await asyncio.to_thread(current_state)

    assert str(on_the_loop.value) == str(in_a_thread.value) == NONE_RUNS


@pytest.mark.parametrize(
    ("problem", "shown"),
    [(OSError("no route"), "OSError: no route"), (OSError(), "OSError")],
    ids=["message", "no message"],
)
async def test_the_error_after_a_failed_startup_names_its_exception(
    probes: Probes, problem: OSError, shown: str
) -> None:
    probes.add("it", start=Raise(problem))

    with pytest.raises(OSError):
        await probes.run()
    with pytest.raises(LifespanNotRunning) as caught:
        current_state()

    assert str(caught.value).splitlines()[:2] == [
        f"the lifespan failed to start: {shown}",
        "while starting lifespan resource 'it'",
    ]


async def test_the_error_on_another_loop_names_both_loops(numbered: Registry) -> None:
    async def ask() -> tuple[list[str], str]:
        texts = []
        for look_up in current_state, lambda: get_state({}, KEY):
            with pytest.raises((LifespanNotRunning, StateNotFound)) as caught:
                look_up()
            texts.append(str(caught.value))
        return texts, address(asyncio.get_running_loop())

    async with Lifespan(numbered):
        texts, other = await asyncio.to_thread(lambda: asyncio.run(ask()))
        here = address(asyncio.get_running_loop())

    text = (
        f"the running event loop has no lifespan\n    {other}\n"
        f"while there is one on\n    {here}\n"
        "Values belong to the loop that started them: run the code there, or "
        "start a lifespan here: async with Lifespan()."
    )
    assert texts == [text, f"no 'number' on the lifespan state: {text}"]


def test_the_error_at_import_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "looks_up_at_import.py").write_text(
        "from django_lifespan_typed import current_state\ncurrent_state()\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(LifespanNotRunning, match="while a module is imported"):
        importlib.import_module("looks_up_at_import")


@pytest.mark.parametrize("is_wsgi", [True, False], ids=["WSGI", "any scope"])
def test_the_error_outside_a_test_fits_the_request(
    monkeypatch: pytest.MonkeyPatch, *, is_wsgi: bool
) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.delattr(mail, "outbox", raising=False)
    source: Any = RequestFactory().get("/") if is_wsgi else {"type": "http"}

    with pytest.raises(StateNotFound) as caught:
        get_state(source, KEY)

    assert ("This is a WSGI request" in str(caught.value)) == is_wsgi
    assert "This is a test" not in str(caught.value)


# --- Why a value is missing

AUTODISCOVERY = (
    'Add "django_lifespan_typed" to INSTALLED_APPS: it imports lifespan.py of every '
    "installed app.\n"
)


def assert_missing(
    key: StateKey[Any], reason: str, fix: str, *, state: dict[str, Any] | None = None
) -> StateNotFound:
    """Assert the message for *key*, which *state* and the lifespan lack."""
    with pytest.raises(StateNotFound) as caught:
        get_state({} if state is None else {"state": state}, key)
    assert str(caught.value) == (
        f"no {key.name!r} on the lifespan state: {reason}\n"
        f"{key.declared_at.draw()}\n{fix}"
    )
    return caught.value


@pytest.fixture
def defaults(default_registry: Registry, journal: list[str]) -> Probes:
    """Probes in the default registry."""
    return Probes(default_registry, journal)


async def test_the_error_for_an_unknown_name_lists_the_known_ones(
    numbered: Registry,
) -> None:
    async with Lifespan(numbered):
        assert_missing(
            StateKey[int]("numbr"),
            "it is not registered",
            "Did you mean 'number'? The state has: 'number', 'other'.\n"
            f"{AUTODISCOVERY}Declare it with @lifespan_resource in lifespan.py of an "
            "installed app, or in a module that AppConfig.ready() imports.",
            state={"other": 1},
        )


@pytest.mark.parametrize("is_set_up", [True, False])
def test_the_error_names_installed_apps_only_if_our_app_is_missing(
    is_set_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor before Django is set up."""
    with override_settings(INSTALLED_APPS=["django_lifespan_typed"] * is_set_up):
        monkeypatch.setattr(apps, "apps_ready", is_set_up)
        with pytest.raises(StateNotFound) as caught:
            get_state({"state": {"other": 1}}, KEY)

    assert "it is not registered" in str(caught.value)
    assert "INSTALLED_APPS" not in str(caught.value)


def test_the_error_for_a_state_without_a_registered_name(defaults: Probes) -> None:
    defaults.add("db")

    assert_missing(
        defaults.resources["db"],
        "it is registered, but no lifespan that has it filled this state",
        "The state has: 'other'.\n"
        "Add it to the state, or start a lifespan: async with Lifespan().",
        state={"other": 1},
    )


async def test_the_error_for_a_resource_that_is_starting(
    probes: Probes, hang: Hang
) -> None:
    """A factory looks up another resource instead of depending on it."""

    async def look_up() -> None:
        await hang.reached()
        assert_missing(
            probes.resources["slow"],
            "its resource is starting",
            "Use it after it has started; in a factory, pass it in needs=.",
        )
        hang.release()

    probes.add("slow", start=hang)
    probes.add("hasty", start=Do(look_up))

    await probes.run()


async def test_the_error_for_a_resource_that_failed_is_caused_by_its_exception(
    probes: Probes,
) -> None:
    """A resource looks it up while it shuts down."""
    problem = OSError("no route")
    errors: list[StateNotFound] = []

    def look_up() -> None:
        error = assert_missing(
            probes.resources["fails"],
            "its resource is failed (OSError)",
            "Use it after it has started; in a factory, pass it in needs=.",
        )
        errors.append(error)

    probes.add("first", stop=Do(look_up))
    probes.add("fails", "first", start=Raise(problem))

    with pytest.raises(OSError, match="no route"):
        await probes.run()

    assert [error.__cause__ for error in errors] == [problem]


async def test_the_error_for_an_optional_resource_that_failed(probes: Probes) -> None:
    problem = OSError("no route")
    probes.add("extra", start=Raise(problem), optional=True)
    extra = probes.resources["extra"]

    async with probes.lifespan():
        assert get_state({}, extra, None) is None
        error = assert_missing(
            extra,
            "its resource is optional and has failed (OSError)",
            "Pass a default for that case: get_state(request, KEY, None)",
        )

    assert error.__cause__ is problem


async def test_the_error_for_a_resource_that_only_leaves_out(
    defaults: Probes, probes: Probes
) -> None:
    """In the default registry, and in another."""
    for each in defaults, probes:
        each.add("db")
        each.add("cache")
        db, cache = each.resources.values()

        async with Lifespan(each.registry, only=(db,)):
            assert_missing(
                cache,
                "it is registered, but not part of the running lifespan",
                "Add it to only=.",
            )


async def test_the_error_for_a_resource_of_another_registry(
    defaults: Probes, registry: Registry
) -> None:
    defaults.add("db")

    async with Lifespan(registry):
        assert_missing(
            defaults.resources["db"],
            "it is registered, but in another registry than that of the running "
            "lifespan",
            "Declare it with registry=, or start a lifespan of its registry.",
        )


async def test_the_error_for_a_resource_that_only_an_overridden_one_depends_on(
    defaults: Probes,
) -> None:
    defaults.add_chain("db", "cache")
    db, cache = defaults.resources.values()

    with override_state(cache, "a fake"):
        async with Lifespan(only=(cache,)):
            assert_missing(
                db,
                "it is registered, but did not start",
                "A test overrode 'cache' at startup: their own dependencies do not "
                "start.",
            )


async def test_the_error_for_a_resource_that_is_declared_too_late(
    defaults: Probes,
) -> None:
    """Only the URLconf imports its module, at the first request."""
    async with Lifespan():
        defaults.add("late")
        assert_missing(
            defaults.resources["late"],
            "it was declared after the lifespan had started",
            f"{AUTODISCOVERY}Declare it in lifespan.py of an installed app, or import "
            "its module in asgi.py or wsgi.py.",
        )
