"""Tests: which event loop each runs on, and what is overridden while it runs."""

from __future__ import annotations

import unittest
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar

import pytest

from .._declare.keys import StateKey
from .._runtime.lifespan import Lifespan
from . import OverrideState, override_state
from .pytest_fixtures import SCOPES, Scope, has_asyncio, name_of

T = TypeVar("T")

# What a resource that asks the database needs before it starts.
_DATABASE: Final = (
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "transactional_db",
    "db",
)


def lifespan_for(request: pytest.FixtureRequest, scope: Scope) -> Lifespan:
    """The lifespan of *scope* on the loop that the requesting test runs on."""
    for name in _DATABASE:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    lifespan: Lifespan = request.getfixturevalue(name_of(scope, _loop(request, scope)))
    return lifespan


@contextmanager
def overriding() -> Generator[OverrideState]:
    """What overrides until the block ends."""
    with ExitStack() as stack:

        def override(key: StateKey[T], value: T, /) -> T:
            return stack.enter_context(override_state(key, value))

        yield override


def _loop(request: pytest.FixtureRequest, scope: Scope) -> str:
    if has_asyncio(request.config):
        import pytest_asyncio

        if pytest_asyncio.is_async_test(request.node):
            return _asyncio_loop(request, scope)
    if not _is_async(request.node):
        return "thread"
    if "anyio_backend" in request.fixturenames:
        return _anyio_loop(request, scope)
    cls: Any = getattr(request.node, "cls", None)
    if cls is not None and issubclass(cls, unittest.IsolatedAsyncioTestCase):
        _fail(
            request,
            scope,
            "unittest runs it on an event loop that no fixture can reach",
            "Write: async with Lifespan() as state: in asyncSetUp or the test, or "
            "derive from LifespanTestCase and Django's TestCase.",
        )
    if cls is not None and issubclass(cls, unittest.TestCase):
        return "thread"  # where Django's test cases run their async methods then
    return _fail(
        request,
        scope,
        "it is async, and neither pytest-asyncio nor anyio runs it",
        "Mark it with @pytest.mark.asyncio or @pytest.mark.anyio, and install the "
        "plugin of that name.",
    )


def _asyncio_loop(request: pytest.FixtureRequest, scope: Scope) -> str:
    marker = request.node.get_closest_marker("asyncio")
    options: dict[str, Any] = {} if marker is None else marker.kwargs
    # The second is the first's name in earlier versions.
    loop = options.get("loop_scope") or options.get("scope")
    if loop is None:
        try:
            loop = request.config.getini("asyncio_default_test_loop_scope")
        except (KeyError, ValueError):  # before pytest-asyncio 0.26
            loop = "function"
    if SCOPES.index(loop) < SCOPES.index(scope):
        _fail(
            request,
            scope,
            f"its event loop is closed before: its loop_scope is {loop!r}",
            f'Write: @pytest.mark.asyncio(loop_scope="{scope}"), or set '
            f"asyncio_default_test_loop_scope = {scope} for all tests.",
        )
    return f"{loop}_loop"


def _anyio_loop(request: pytest.FixtureRequest, scope: Scope) -> str:
    backend = request.getfixturevalue("anyio_backend_name")
    if backend != "asyncio":
        _fail(
            request,
            scope,
            f"it runs on {backend}, and resources run on asyncio",
            _BACKEND.format(scope=scope),
        )
    return "anyio"


def _is_async(item: Any) -> bool:
    function: Any = getattr(item, "obj", None)
    hypothesis = getattr(function, "hypothesis", None)
    return iscoroutinefunction(getattr(hypothesis, "inner_test", function))


def _fail(
    request: pytest.FixtureRequest, scope: Scope, problem: str, remedy: str
) -> str:
    name = "lifespan" if scope == "function" else f"{scope}_lifespan"
    return pytest.fail(
        f"{request.node.name} cannot have the fixture {name}: {problem}\n{remedy}",
        pytrace=False,
    )


_BACKEND: Final = """\
Write, in the module or in conftest.py:
    @pytest.fixture(scope="{scope}")
    def anyio_backend():
        return "asyncio\""""
