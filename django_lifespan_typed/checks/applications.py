"""System checks of the application that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage, Warning as Warn
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from .._declare.registry import Registry
from .._text import error_text
from ..asgi import with_lifespan
from ..handler import LifespanASGIHandler
from ..wsgi import LifespanWSGIHandler

_WITH_LIFESPAN: Final = (LifespanASGIHandler, with_lifespan, LifespanWSGIHandler)

# Attributes in which middleware keeps the application that it wraps: Starlette and
# Sentry, Django's static files handlers and WhiteNoise, Channels.
_WRAPPED: Final = ("app", "application", "inner")


class Application(NamedTuple):
    """The application that a setting names, imported but not called."""

    setting: str
    path: str
    inner: object = None
    """The application inside all known wrappers, which a lifespan message reaches."""
    error: BaseException | None = None
    """The exception that its import raised."""

    @property
    def module(self) -> str:
        """The module in the path: ``mysite.asgi``."""
        return self.path.rpartition(".")[0] or self.path

    @property
    def registry(self) -> Registry | None:
        """The registry whose resources it starts, if it has a lifespan."""
        inner = self.inner
        return inner.registry if isinstance(inner, _WITH_LIFESPAN) else None


def configured_application() -> Application | None:
    """
    Import the application that ``ASGI_APPLICATION`` names.

    Without that setting, a server may serve any ``asgi.py``. Only a project that has
    none is known to be served by its ``WSGI_APPLICATION``.
    """
    for setting in ("ASGI_APPLICATION", "WSGI_APPLICATION"):
        path = getattr(settings, setting, None)
        is_asgi = setting == "ASGI_APPLICATION"
        if path and (is_asgi or not _has_asgi_module(str(path))):
            try:
                inner = _unwrapped(import_string(path))
            except (Exception, SystemExit) as error:  # the project's code
                return Application(setting, str(path), error=error)
            return Application(setting, str(path), inner)
    return None


def check_application(
    application: Application, registered: list[str]
) -> Iterator[CheckMessage]:
    """Check that the application can be imported, and starts what is *registered*."""
    setting, path, inner, error = application
    module = application.module
    names = f"settings.{setting} is {path!r}, which"
    listed = f"Registered: {', '.join(registered)}."
    if error is not None:
        text = f"{type(error).__name__}: {error_text(error)}".rstrip(": ")
        yield Warn(
            f"{names} cannot be imported: {text}",
            hint='Write the path of a variable: "mysite.asgi.application". For the '
            f'traceback, run: python manage.py shell -c "import {module}"',
            id="lifespan.W001",
        )
    elif not registered:
        return
    elif type(inner) is ASGIHandler:
        yield Warn(
            f"{names} does not start lifespan resources. {listed}",
            hint=f"In {module}, import get_asgi_application from "
            "django_lifespan_typed.asgi instead of django.core.asgi.",
            id="lifespan.W002",
        )
    elif _routes(inner) is not None:
        yield Warn(
            f'{names} is a ProtocolTypeRouter without a "lifespan" entry: servers '
            f"cannot start lifespan resources through it. {listed}",
            hint=f"In {module}, write: application = "
            "with_lifespan(ProtocolTypeRouter({...})). Import with_lifespan from "
            "django_lifespan_typed.asgi.",
            id="lifespan.W003",
        )
    elif type(inner) is WSGIHandler:
        yield Warn(
            f"{names} does not start lifespan resources, and settings.ASGI_APPLICATION "
            f"is not set. {listed}",
            hint=f"In {module}, import get_wsgi_application from "
            "django_lifespan_typed.wsgi instead of django.core.wsgi.",
            id="lifespan.W004",
        )


def _has_asgi_module(wsgi_path: str) -> bool:
    """Return whether the package of ``wsgi.py`` has an ``asgi.py``."""
    package = wsgi_path.rpartition(".")[0].rpartition(".")[0]
    try:
        return find_spec(f"{package}.asgi" if package else "asgi") is not None
    except Exception:  # the package cannot be imported
        return False


def _unwrapped(app: Any) -> object:
    """Return the application that a lifespan message reaches through wrappers."""
    for _ in range(20):  # a wrapper may refer to itself
        if isinstance(app, _WITH_LIFESPAN):
            break
        routes = _routes(app)
        if routes is not None:
            inner = routes.get("lifespan")
        else:
            attributes = getattr(app, "__dict__", {})
            inner = next(filter(callable, map(attributes.get, _WRAPPED)), None)
        if inner is None:
            break
        app = inner
    return app


def _routes(app: Any) -> Mapping[str, Any] | None:
    """Return the routes of Channels' ProtocolTypeRouter, which may be absent."""
    if not isinstance(getattr(app, "application_mapping", None), Mapping):
        return None
    routes: Mapping[str, Any] = app.application_mapping
    return routes
