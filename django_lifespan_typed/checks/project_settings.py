"""System checks of the settings LIFESPAN and MIDDLEWARE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning as Warn
from django.utils.module_loading import import_string

from .._declare.registry import Registry
from .._settings import LifespanSettings, checked_setting, given_settings
from ..exceptions import InvalidSetting
from ..middleware import LifespanStateMiddleware
from ..signals import LifespanSender, asgi_lifespan

_PATH: Final = "django_lifespan_typed.middleware.LifespanStateMiddleware"


def check_settings() -> Iterator[CheckMessage]:
    """Check each name and value in ``settings.LIFESPAN``."""
    try:
        given = given_settings()
    except InvalidSetting as error:
        yield Error(error.problem, hint=error.fix, id="lifespan.E004")
        return
    for name, value in given.items():
        try:
            checked_setting(name, value)
        except InvalidSetting as error:
            number = "E004" if name in LifespanSettings._fields else "E003"
            yield Error(error.problem, hint=error.fix, id=f"lifespan.{number}")


def check_middleware(registries: Iterable[Registry]) -> Iterator[CheckMessage]:
    """Check that the middleware is installed where managers are registered."""
    registered = [
        manager.declared_at.draw()
        for registry in registries
        for manager in registry.managers
    ]
    if asgi_lifespan.has_listeners(LifespanSender):
        registered.append("    receivers of asgi_lifespan")
    if registered and not any(map(_sets_state, getattr(settings, "MIDDLEWARE", ()))):
        yield Warn(
            "LifespanStateMiddleware, which sets request.state, is not in "
            "settings.MIDDLEWARE, but lifespan managers are registered:\n"
            + "\n".join(registered),
            hint=f'Add "{_PATH}" to MIDDLEWARE, before middleware that uses '
            "request.state. If all code uses get_state(request, KEY), silence this "
            "check.",
            id="lifespan.W005",
        )


def _sets_state(path: str) -> bool:
    try:
        middleware = import_string(path)
    except Exception:  # Django reports it when it loads the middleware
        return False
    return isinstance(middleware, type) and issubclass(
        middleware, LifespanStateMiddleware
    )
