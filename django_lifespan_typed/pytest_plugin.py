"""The pytest plugin: fixtures for a running lifespan and for overrides."""

# Every pytest run of an environment imports this module. What needs django.test or
# another plugin is imported by the fixture that needs it.
from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ._declare.keys import StateKey
    from ._declare.registry import Registry
    from ._runtime.lifespan import Lifespan
    from .testing.overriding import OverrideState
    from .testing.pytest_loops import FixtureScope

__all__ = [
    "lifespan",
    "lifespan_only",
    "lifespan_registry",
    "override_state",
    "session_lifespan",
]


@pytest.fixture
def lifespan(
    request: pytest.FixtureRequest, lifespan_registry: object, lifespan_only: object
) -> Lifespan:
    """
    A lifespan that runs during one test, on the event loop of that test.

    In a sync test it runs on an event loop thread, as ``with Lifespan()`` does. It
    starts with the overrides of the ``@override_state(...)`` decorators of the test
    and of the fixtures that are set up before it.
    """
    from .testing.pytest_loops import lifespan_for

    return lifespan_for(request, "function")


@pytest.fixture
def session_lifespan(
    request: pytest.FixtureRequest, lifespan_registry: object, lifespan_only: object
) -> Lifespan:
    """
    One lifespan for all tests of the session that run on the same event loop.

    Async tests have to run on an event loop of session scope.
    """
    from .testing.pytest_loops import lifespan_for

    return lifespan_for(request, "session")


@pytest.fixture(scope="session")
def lifespan_registry() -> Registry | None:
    """The registry to start; None, unless overridden, for the default registry."""
    return None


@pytest.fixture(scope="session")
def lifespan_only() -> Iterable[StateKey[Any]] | None:
    """The keys to start, with their dependencies; None, unless overridden, for all."""
    return None


@pytest.fixture
def override_state() -> Generator[OverrideState]:
    """Call it with a key and a value to override the key until the test ends."""
    from .testing.pytest_loops import overriding

    with overriding() as override:
        yield override


def pytest_configure(config: pytest.Config) -> None:
    """Register a private fixture for each kind of event loop that a test can have."""
    # pytest collects fixtures from the attributes of a plugin.
    plugin = ModuleType("django_lifespan_typed.fixtures")
    fixtures: dict[str, object] = vars(plugin)
    scopes: tuple[FixtureScope, ...] = ("function", "session")
    for scope in scopes:
        fixtures[f"_{scope}_lifespan_on_thread"] = _thread_fixture(scope)
        fixtures[f"_{scope}_lifespan_on_anyio"] = _loop_fixture(
            pytest.fixture(scope=scope)
        )
    if has_asyncio(config):
        import pytest_asyncio

        for loop in ("function", "class", "module", "package", "session"):
            fixtures[f"_function_lifespan_on_{loop}_loop"] = _loop_fixture(
                pytest_asyncio.fixture(scope="function", loop_scope=loop)
            )
        fixtures["_session_lifespan_on_session_loop"] = _loop_fixture(
            pytest_asyncio.fixture(scope="session", loop_scope="session")
        )
    config.pluginmanager.register(plugin, plugin.__name__)


def has_asyncio(config: pytest.Config) -> bool:
    """Return whether pytest-asyncio 0.24 or newer is in use."""
    plugins = config.pluginmanager.get_plugins()  # it has more than one name
    names = [getattr(plugin, "__name__", "") for plugin in plugins]
    if "pytest_asyncio.plugin" not in names:
        return False
    import pytest_asyncio

    # The decorator came with 0.17, and its parameter, which fixtures need, with 0.24.
    fixture = getattr(pytest_asyncio, "fixture", None)
    return fixture is not None and "loop_scope" in signature(fixture).parameters


def _thread_fixture(scope: FixtureScope) -> object:
    @pytest.fixture(scope=scope)
    def on_thread(
        request: pytest.FixtureRequest, lifespan_registry: Any, lifespan_only: Any
    ) -> Generator[Lifespan]:
        from .testing.pytest_loops import lifespan_on_thread

        with lifespan_on_thread(request, lifespan_registry, lifespan_only) as lifespan:
            yield lifespan

    return on_thread


def _loop_fixture(decorate: Callable[[Any], object]) -> object:
    async def on_loop(
        request: pytest.FixtureRequest, lifespan_registry: Any, lifespan_only: Any
    ) -> AsyncGenerator[Lifespan]:
        from .testing.pytest_loops import lifespan_on_loop

        options = (request, lifespan_registry, lifespan_only)
        async with lifespan_on_loop(*options) as lifespan:
            yield lifespan

    return decorate(on_loop)
