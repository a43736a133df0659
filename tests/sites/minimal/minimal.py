"""
A site in one module, with one resource; ``APPLICATION`` names what serves it.

Its start fails while the file ``FAILING`` exists. Its ``LOGGING`` disables the loggers
that exist already, as is the default.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.gates import happened

settings.configure(
    DEBUG="DEBUG" in os.environ,
    SECRET_KEY="for tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_lifespan_typed"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LIFESPAN={"RETRY_INTERVAL": 0.05},
    LOGGING={
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["console"], "level": "INFO"},
    },
    USE_TZ=True,
)

from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from django_lifespan_typed import get_state, lifespan_resource  # noqa: E402
from django_lifespan_typed.asgi import get_asgi_application  # noqa: E402
from django_lifespan_typed.views import livez, readyz  # noqa: E402
from django_lifespan_typed.wsgi import get_wsgi_application  # noqa: E402


@lifespan_resource("database")
async def database() -> AsyncGenerator[str]:
    if Path(os.environ.get("FAILING", "none")).exists():
        raise ConnectionError("the database is away")
    happened("+database")
    yield "open"
    happened("-database")


def index(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse(get_state(request, database))


urlpatterns = [path("", index), path("livez", livez), path("readyz", readyz)]


def _application() -> Any:
    """The application that ``APPLICATION`` names."""
    kind = os.environ.get("APPLICATION", "asgi")
    if kind == "asgi":
        return get_asgi_application()
    if kind == "wsgi":
        return get_wsgi_application()
    if kind == "dispatched":
        from hypercorn.middleware import DispatcherMiddleware

        return DispatcherMiddleware({"/": get_asgi_application()})
    import a2wsgi
    from fastapi import FastAPI

    if kind == "bridged":
        return a2wsgi.ASGIMiddleware(get_asgi_application())
    host = FastAPI()
    if kind == "mounted":
        host.mount("/", get_asgi_application())
    else:
        host.mount("/", a2wsgi.WSGIMiddleware(get_wsgi_application()))
    return host


application = _application()
