"""Check that LifespanStateMiddleware is installed where managers are registered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.core.checks import CheckMessage, Warning as Warn
from django.test import override_settings

from django_lifespan_typed import Registry
from django_lifespan_typed.checks.project_settings import check_middleware
from django_lifespan_typed.middleware import LifespanStateMiddleware
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.signals import LifespanSender, asgi_lifespan

from .conftest import Declare

OURS = "django_lifespan_typed.middleware.LifespanStateMiddleware"
OTHERS = ["django.middleware.common.CommonMiddleware", f"{__name__}.function"]


class Subclass(LifespanStateMiddleware):
    """Adds something to each response."""


def function(get_response: Any) -> Any:
    """A middleware that is a function."""
    return get_response


def messages(registry: Registry, *middleware: str) -> list[CheckMessage]:
    """Check the registry with these and other middleware."""
    with override_settings(MIDDLEWARE=[*OTHERS, *middleware]):
        return list(check_middleware([Registry(), registry]))


@pytest.fixture
def managed(registry: Registry) -> Registry:
    """A registry with a manager."""

    @asynccontextmanager
    async def clients() -> AsyncGenerator[dict[str, int]]:
        yield {"client": 1}

    register_lifespan_manager(context_manager=clients, registry=registry)
    return registry


@pytest.fixture(params=[None, LifespanSender], ids=["any sender", "our sender"])
def receiver(request: pytest.FixtureRequest) -> Iterator[None]:
    """A receiver of ``asgi_lifespan``, which returns a manager."""

    def receive(**_: object) -> None: ...

    asgi_lifespan.connect(receive, sender=request.param)
    yield
    asgi_lifespan.disconnect(receive, sender=request.param)


def missing(registered: str) -> CheckMessage:
    return Warn(
        "LifespanStateMiddleware, which sets request.state, is not in "
        f"settings.MIDDLEWARE, but lifespan managers are registered:\n{registered}",
        hint=f'Add "{OURS}" to MIDDLEWARE, before middleware that uses request.state. '
        "If all code uses get_state(request, KEY), silence this check.",
        id="lifespan.W005",
    )


@pytest.mark.parametrize("middleware", ["nowhere.Middleware", "nodot"])
def test_managers_without_the_middleware_are_reported(
    middleware: str, managed: Registry
) -> None:
    """A path that cannot be imported is not the middleware; Django reports it."""
    (manager,) = managed.managers

    assert messages(managed, middleware) == [missing(manager.declared_at.draw())]


@pytest.mark.usefixtures("receiver")
def test_receivers_without_the_middleware_are_reported(registry: Registry) -> None:
    assert messages(registry) == [missing("    receivers of asgi_lifespan")]


@pytest.mark.parametrize(
    "middleware",
    [
        OURS,
        "django_lifespan_typed.middleware.AsyncMiddleware",
        f"{__name__}.Subclass",
    ],
)
def test_the_middleware_is_known_by_its_class(
    middleware: str, managed: Registry
) -> None:
    assert messages(managed, middleware) == []


def test_resources_need_no_middleware(registry: Registry, declare: Declare) -> None:
    declare("db")

    assert messages(registry) == []
