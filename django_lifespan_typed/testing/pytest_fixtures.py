"""Fixtures that run a lifespan, one for each kind of event loop of a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any, Final, Literal, TypeAlias

import pytest

from .._runtime.lifespan import Lifespan
from .live_server import serving_on
from .overriding import OVERRIDES, overrides_of_class

Scope: TypeAlias = Literal["function", "class", "module", "package", "session"]

SCOPES: Final[tuple[Scope, ...]] = (
    "function",
    "class",
    "module",
    "package",
    "session",
)
"""pytest's, from the narrowest to the widest."""

OWN_SCOPES: Final[tuple[Scope, ...]] = ("function", "module", "session")
"""Those that have a fixture here."""


def name_of(scope: Scope, loop: str) -> str:
    """The private fixture for a lifespan of *scope* on *loop*."""
    return f"_{scope}_lifespan_on_{loop}"


def has_asyncio(config: pytest.Config) -> bool:
    """Whether pytest-asyncio is in use, by whichever name it was registered."""
    plugins = config.pluginmanager.get_plugins()
    return any(
        getattr(plugin, "__name__", "") == "pytest_asyncio.plugin" for plugin in plugins
    )


def fixtures(config: pytest.Config) -> Iterator[tuple[str, ModuleType]]:
    """Names and plugins, with the fixtures for what is installed."""
    # A module each, for pytest collects fixtures from the attributes of modules.
    plugin = ModuleType("django_lifespan_typed.fixtures")
    for scope in OWN_SCOPES:
        _add(plugin, pytest.fixture(scope=scope), _sync(), name_of(scope, "thread"))
        # Anyio's plugin takes what is async, and has an anyio_backend.
        _add(plugin, pytest.fixture(scope=scope), _anyio(), name_of(scope, "anyio"))
    yield plugin.__name__, plugin
    if has_asyncio(config):
        import pytest_asyncio

        plugin = ModuleType("django_lifespan_typed.asyncio_fixtures")
        for scope in OWN_SCOPES:
            for loop in SCOPES[SCOPES.index(scope) :]:
                decorate = pytest_asyncio.fixture(scope=scope, loop_scope=loop)
                _add(plugin, decorate, _asyncio(), name_of(scope, f"{loop}_loop"))
        yield plugin.__name__, plugin


def _add(plugin: ModuleType, decorate: Any, function: Any, name: str) -> None:
    function.__name__ = name
    setattr(plugin, name, decorate(function))


# Each call makes another function, for plugins leave marks on them. By keyword: pytest
# passes what a fixture's parameters name.


def _sync() -> Callable[..., Generator[Lifespan]]:
    def on_thread(
        request: pytest.FixtureRequest, lifespan_registry: Any, lifespan_only: Any
    ) -> Generator[Lifespan]:
        lifespan = Lifespan(lifespan_registry, only=lifespan_only)
        with _overrides(request), lifespan, serving_on(lifespan):
            yield lifespan

    return on_thread


def _asyncio() -> Callable[..., AsyncGenerator[Lifespan]]:
    async def on_loop(
        request: pytest.FixtureRequest, lifespan_registry: Any, lifespan_only: Any
    ) -> AsyncGenerator[Lifespan]:
        lifespan = Lifespan(lifespan_registry, only=lifespan_only)
        with _overrides(request):
            async with lifespan:
                yield lifespan

    return on_loop


def _anyio() -> Callable[..., AsyncGenerator[Lifespan]]:
    async def on_loop(
        request: pytest.FixtureRequest,
        lifespan_registry: Any,
        lifespan_only: Any,
        anyio_backend: object,  # stays as long as the loop is needed
    ) -> AsyncGenerator[Lifespan]:
        lifespan = Lifespan(lifespan_registry, only=lifespan_only)
        with _overrides(request):
            async with lifespan:
                yield lifespan

    return on_loop


def _overrides(request: pytest.FixtureRequest) -> ExitStack:
    """What decorates the test or its class: it would come too late for the start."""
    stack = ExitStack()
    if request.scope == "function":
        cls: Any = getattr(request, "cls", None) or object
        decorating = getattr(request.function, OVERRIDES, ())
        for override in (*overrides_of_class(cls), *decorating):
            stack.enter_context(override)
    return stack
