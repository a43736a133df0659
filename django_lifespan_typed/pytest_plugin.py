"""The pytest plugin: fixtures for a running lifespan, and for fakes."""

# Imported by every pytest run of an environment, and with it what the package's
# ``__init__`` imports: what stands on django.test comes late.
from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ._declare.keys import StateKey
    from ._declare.registry import Registry
    from ._runtime.lifespan import Lifespan
    from .testing import OverrideState

__all__ = [
    "lifespan",
    "lifespan_only",
    "lifespan_registry",
    "module_lifespan",
    "override_state",
    "session_lifespan",
]


@pytest.fixture
def lifespan(
    request: pytest.FixtureRequest, lifespan_registry: object, lifespan_only: object
) -> Lifespan:
    """
    A lifespan that runs while the test does, on the loop that the test runs on.

    In a sync test it runs on a thread with a loop, as in ``with Lifespan()``. It
    starts with the ``@override_state(...)`` that decorate the test function, and
    with what fixtures before it have overridden.
    """
    from .testing.pytest_loops import lifespan_for

    return lifespan_for(request, "function")


@pytest.fixture
def module_lifespan(
    request: pytest.FixtureRequest, lifespan_registry: object, lifespan_only: object
) -> Lifespan:
    """One lifespan for all tests of a module that run on the same loop."""
    from .testing.pytest_loops import lifespan_for

    return lifespan_for(request, "module")


@pytest.fixture
def session_lifespan(
    request: pytest.FixtureRequest, lifespan_registry: object, lifespan_only: object
) -> Lifespan:
    """One lifespan for all tests of the session that run on the same loop."""
    from .testing.pytest_loops import lifespan_for

    return lifespan_for(request, "session")


@pytest.fixture(scope="session")
def lifespan_registry() -> Registry | None:
    """What a lifespan starts, to be overridden; None for the default registry."""
    return None


@pytest.fixture(scope="session")
def lifespan_only() -> Iterable[StateKey[Any]] | None:
    """The keys that a lifespan starts, to be overridden; None for all."""
    return None


@pytest.fixture
def override_state() -> Generator[OverrideState]:
    """Call it with a key and a value to override the key to the end of the test."""
    from .testing.pytest_loops import overriding

    with overriding() as override:
        yield override


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures that the ones above choose from."""
    from .testing.pytest_fixtures import fixtures

    for name, plugin in fixtures(config):
        config.pluginmanager.register(plugin, name)
