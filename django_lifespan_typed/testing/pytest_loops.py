"""Lifespans for pytest, each on the event loop of the test that requests it."""

from __future__ import annotations

import unittest
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from inspect import iscoroutinefunction, signature
from typing import Any, Final, Literal, TypeAlias, TypeVar

import pytest

from .._declare.keys import StateKey
from .._declare.registry import Registry
from .._runtime.lifespan import Lifespan
from ..pytest_plugin import has_asyncio
from .live_server import serving_on
from .overriding import OverrideState, decorators_of, override_state
from .test_case import LifespanTestCase

T = TypeVar("T")

FixtureScope: TypeAlias = Literal["function", "session"]

_NAMES: Final[dict[FixtureScope, str]] = {
    "function": "lifespan",
    "session": "session_lifespan",
}

# pytest-django's fixtures; a resource that queries the database needs them first.
_DATABASE: Final = (
    "_django_db_helper",  # for the marker django_db
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "transactional_db",
    "db",
)


def lifespan_for(request: pytest.FixtureRequest, scope: FixtureScope) -> Lifespan:
    """Return the lifespan of *scope* on the event loop of the requesting test."""
    for name in _DATABASE:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    is_for_all = _is_for_all_tests(request, _NAMES[scope])
    case: Any = getattr(request.node, "cls", None)
    if is_for_all and case is not None and issubclass(case, LifespanTestCase):
        return Lifespan()  # the test starts its own
    try:
        loop = _loop_of_test(request, scope)
    except pytest.fail.Exception:
        # The error shows how to configure pytest-asyncio.
        if not is_for_all or request.node.get_closest_marker("asyncio"):
            raise
        return Lifespan()  # not started: few of these tests need one
    lifespan: Lifespan = request.getfixturevalue(f"_{scope}_lifespan_on_{loop}")
    return lifespan


def _is_for_all_tests(request: pytest.FixtureRequest, name: str) -> bool:
    """Return whether pytest's setting requests the fixture, and not the test."""
    function: Any = getattr(request.node, "obj", None)
    parameters = signature(function).parameters if callable(function) else ()
    return name in request.config.getini("usefixtures") and name not in parameters


@contextmanager
def lifespan_on_thread(
    request: pytest.FixtureRequest,
    registry: Registry | None,
    only: Iterable[StateKey[Any]] | None,
) -> Generator[Lifespan]:
    """Run a lifespan on an event loop thread, for sync tests."""
    lifespan = Lifespan(registry, only=only)
    with _overrides(request), lifespan, serving_on(lifespan):
        yield lifespan


@asynccontextmanager
async def lifespan_on_loop(
    request: pytest.FixtureRequest,
    registry: Registry | None,
    only: Iterable[StateKey[Any]] | None,
) -> AsyncGenerator[Lifespan]:
    """Run a lifespan on the running event loop."""
    lifespan = Lifespan(registry, only=only)
    with _overrides(request):
        async with lifespan:
            yield lifespan


@contextmanager
def overriding() -> Generator[OverrideState]:
    """Yield a function whose overrides end with the block."""
    with ExitStack() as stack:

        def override(key: StateKey[T], value: T, /) -> T:
            return stack.enter_context(override_state(key, value))

        yield override


def _overrides(request: pytest.FixtureRequest) -> ExitStack:
    # The decorators of a test take effect when it is called, which is after the start.
    stack = ExitStack()
    if request.scope == "function":
        case: Any = getattr(request.node, "cls", None)
        for override in decorators_of(case, request.function):
            stack.enter_context(override)
    return stack


def _loop_of_test(request: pytest.FixtureRequest, scope: FixtureScope) -> str:
    """Return the last part of the private fixture's name."""
    if not _is_async(request.node):
        return "thread"
    if has_asyncio(request.config):
        import pytest_asyncio

        if pytest_asyncio.is_async_test(request.node):
            return _asyncio_loop(request, scope)
    if "anyio_backend" in request.fixturenames:
        return _anyio_loop(request, scope)
    case: Any = getattr(request.node, "cls", None)
    if case is not None and issubclass(case, unittest.IsolatedAsyncioTestCase):
        raise _refusal(
            request,
            scope,
            "unittest runs it on an event loop that fixtures cannot use",
            "Write: async with Lifespan() as state: in asyncSetUp or the test, or "
            "derive from LifespanTestCase and Django's TestCase.",
        )
    if case is not None and issubclass(case, unittest.TestCase):
        return "thread"  # Django's test cases run async methods by async_to_sync
    if request.node.get_closest_marker("asyncio") is not None:
        raise _refusal(
            request,
            scope,
            "it is an asyncio test, and pytest-asyncio is missing or older than 0.24",
            'Run: pip install --upgrade "pytest-asyncio>=0.24"',
        )
    raise _refusal(
        request,
        scope,
        "it is async, and neither pytest-asyncio nor anyio runs it",
        "Mark it with @pytest.mark.asyncio or @pytest.mark.anyio, and install the "
        "plugin of that name.",
    )


def _is_async(item: Any) -> bool:
    function: Any = getattr(item, "obj", None)
    hypothesis = getattr(function, "hypothesis", None)
    return iscoroutinefunction(getattr(hypothesis, "inner_test", function))


def _asyncio_loop(request: pytest.FixtureRequest, scope: FixtureScope) -> str:
    loop: Any = "function"
    with suppress(KeyError, ValueError):  # before pytest-asyncio 0.26
        loop = request.config.getini("asyncio_default_test_loop_scope") or loop
    # In auto mode, pytest-asyncio adds the marker.
    options: dict[str, Any] = request.node.get_closest_marker("asyncio").kwargs
    loop = options.get("loop_scope") or options.get("scope") or loop
    if scope == "session" and loop != "session":
        raise _refusal(
            request,
            scope,
            f"its event loop is closed earlier, for its loop_scope is {loop!r}",
            'Write: @pytest.mark.asyncio(loop_scope="session"), or set '
            "asyncio_default_test_loop_scope = session for all tests.",
        )
    return f"{loop}_loop"


def _anyio_loop(request: pytest.FixtureRequest, scope: FixtureScope) -> str:
    backend = request.getfixturevalue("anyio_backend_name")
    if backend != "asyncio":
        raise _refusal(
            request,
            scope,
            f"it runs on {backend}, and resources run on asyncio",
            "Write, in the module or in conftest.py:\n"
            f'    @pytest.fixture(scope="{scope}")\n'
            "    def anyio_backend():\n"
            '        return "asyncio"',
        )
    return "anyio"


def _refusal(
    request: pytest.FixtureRequest, scope: FixtureScope, problem: str, fix: str
) -> BaseException:
    name = _NAMES[scope]
    return pytest.fail.Exception(
        f"{request.node.name} cannot use the fixture {name}: {problem}\n{fix}",
        pytrace=False,
    )
