"""System checks of the applications that servers are given."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from inspect import isfunction
from types import CodeType
from typing import Any, Final, Literal, NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from .._declare.registry import Registry
from .._text import error_text, quoted
from ..asgi import with_lifespan
from ..handler import LifespanASGIHandler
from ..wsgi import LifespanWSGIHandler
from .messages import warning
from .source_code import file_of, parsed

# Where middleware of ASGI and WSGI keeps what it wraps.
_INNER: Final = ("app", "application", "inner", "_app", "_application", "wsgi_app")

_WITH_ASGI: Final = (
    "from django_lifespan_typed.asgi import get_asgi_application, instead of Django's"
)
_WITH_WSGI: Final = (
    "from django_lifespan_typed.wsgi import get_wsgi_application, instead of Django's"
)


class Application(NamedTuple):
    """What ``settings.ASGI_APPLICATION`` names, imported and looked at, not called."""

    setting: str
    path: object
    kind: Literal["ours", "plain", "unrouted", "unknown", "broken"]
    registry: Registry | None = None
    """What it starts, where it is ours."""
    error: BaseException | None = None


def asgi_application() -> Application | None:
    """What ASGI servers of this project serve, if a setting says so."""
    return _application(
        "ASGI_APPLICATION",
        lambda app: _look(app, (LifespanASGIHandler, with_lifespan), ASGIHandler),
    )


def wsgi_application() -> Application | None:
    """What WSGI servers of this project serve, if a setting says so."""
    return _application(
        "WSGI_APPLICATION",
        lambda app: _look(app, (LifespanWSGIHandler,), WSGIHandler),
    )


def _application(setting: str, look: Callable[[object], object]) -> Application | None:
    path = getattr(settings, setting, None)
    if not path:
        return None
    try:
        app = import_string(path)
    except (Exception, SystemExit) as error:  # whatever is in asgi.py
        return Application(setting, path, "broken", error=error)
    try:
        found: Any = look(app)
    except Exception:  # a proxy, say, of what is not there yet
        found = "unknown"
    if isinstance(found, str):
        kind: Any = found
        return Application(setting, path, kind)
    return Application(setting, path, "ours", registry=found._registry)


def is_served_by_asgi() -> bool:
    """
    Whether the ``asgi.py`` beside ``wsgi.py``, which no setting names, may have a
    lifespan. It is read, not imported: nobody but a server has asked for it.
    """
    path = getattr(settings, "WSGI_APPLICATION", None)
    if not isinstance(path, str):
        return False
    package = path.rpartition(".")[0].rpartition(".")[0]
    file = file_of(f"{package}.asgi" if package else "asgi")
    if file is None:
        return False
    tree = parsed(file)
    return tree is None or not _is_as_startproject_writes(tree)


def check_applications(
    asgi: Application | None, wsgi: Application | None, registered: list[str]
) -> Iterator[CheckMessage]:
    """Whether a server that serves this project starts what is *registered*."""
    if asgi is not None:
        if asgi.kind == "broken":
            yield _broken(asgi)
        elif not registered:
            return
        elif asgi.kind == "plain":
            yield warning(
                "W002",
                f"settings.ASGI_APPLICATION is {asgi.path!r}, which starts no lifespan "
                f"resources. Registered: {quoted(registered)}.",
                f"Write in {_module(asgi)}: {_WITH_ASGI}. Around any other "
                "application: django_lifespan_typed.asgi.with_lifespan(application).",
            )
        elif asgi.kind == "unrouted":
            yield warning(
                "W003",
                f"settings.ASGI_APPLICATION is {asgi.path!r}, a ProtocolTypeRouter "
                'without a "lifespan" entry: no server can start lifespan resources '
                f"through it. Registered: {quoted(registered)}.",
                f"Write in {_module(asgi)}: application = with_lifespan("
                "ProtocolTypeRouter({...})), with_lifespan from "
                "django_lifespan_typed.asgi.",
            )
    elif wsgi is not None:
        if wsgi.kind == "broken":
            yield _broken(wsgi)
        elif wsgi.kind == "plain" and registered:
            yield warning(
                "W004",
                f"settings.WSGI_APPLICATION is {wsgi.path!r}, which starts no lifespan "
                "resources, and there is no ASGI_APPLICATION. Registered: "
                f"{quoted(registered)}.",
                f"Under a WSGI server, write in {_module(wsgi)}: {_WITH_WSGI}. Under "
                f"an ASGI server, write in asgi.py: {_WITH_ASGI}.",
            )


def _broken(application: Application) -> CheckMessage:
    error = application.error
    what = f"{type(error).__name__}: {error_text(error)}".rstrip(": ")
    return warning(
        "W001",
        f"settings.{application.setting} is {application.path!r}, which cannot be "
        f"imported: {what}",
        'It names a variable in a module: "mysite.asgi.application". For the '
        f'traceback: python manage.py shell -c "import {_module(application)}"',
    )


def _module(application: Application) -> str:
    return str(application.path).rpartition(".")[0] or str(application.path)


# --- What an application is, told from the outside


def _look(app: Any, ours: tuple[type[Any], ...], django: type[Any]) -> object:
    """The application of *ours* that a lifespan reaches, else a kind of what it is."""
    seen: set[int] = set()
    while id(app) not in seen:
        seen.add(id(app))
        if isinstance(app, ours):
            return app
        if _knows_lifespan(app):
            break
        attributes: Mapping[str, Any] = getattr(app, "__dict__", {})
        if isinstance(attributes.get("application_mapping"), Mapping):
            # Channels' ProtocolTypeRouter, which need not be installed.
            routes: Mapping[str, Any] = attributes["application_mapping"]
            if "lifespan" not in routes:
                return "unrouted"
            app = routes["lifespan"]
            continue
        inner: list[Any] = [
            attributes[name] for name in _INNER if callable(attributes.get(name))
        ]
        if inner:
            app = inner[0]
        elif isinstance(app, django) and type(app).__call__ is django.__call__:
            return "plain"
    return "unknown"


def _knows_lifespan(app: object) -> bool:
    """Whether its class has code of its own for a scope of type "lifespan"."""
    functions = [
        value.__code__
        for base in type(app).__mro__
        for value in vars(base).values()
        if isfunction(value)
    ]
    return any(map(_names_lifespan, functions))


def _names_lifespan(constant: object) -> bool:
    if isinstance(constant, CodeType):
        return any(map(_names_lifespan, constant.co_consts))
    # Alone, or one of several: {"lifespan", "websocket"}.
    return constant == "lifespan" or (
        isinstance(constant, tuple | frozenset) and constant.__contains__("lifespan")
    )


def _is_as_startproject_writes(tree: ast.Module) -> bool:
    plain = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "django.core.asgi"
        for alias in node.names
    }
    last = None
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [ast.unparse(target) for target in node.targets]
            last = node.value if "application" in names else last
    return (
        isinstance(last, ast.Call)
        and isinstance(last.func, ast.Name)
        and last.func.id in plain
    )
