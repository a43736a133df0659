"""The log's warning about a lifespan that only the first request has started."""

from __future__ import annotations

import sys
from typing import Final

from .._log import logger
from ..types import Scope

_UVICORN_WORKER: Final = 'give the uvicorn worker CONFIG_KWARGS = {"lifespan": "on"}'

# How to make each server send the lifespan; libraries that a site may import without
# being served by them come last.
_FLAGS: Final = {
    "granian": "run granian with --interface asgi",
    "hypercorn": "check the middleware or router around Django: hypercorn sends it",
    "uvicorn_worker": _UVICORN_WORKER,
    "uvicorn.workers": _UVICORN_WORKER,
    "gunicorn": "run gunicorn -k asgi with --asgi-lifespan on",
    "uvicorn": "run uvicorn with --lifespan on",
}

_NO_SERVER: Final = (
    "serve with a server that sends it (in a test, call the application inside: "
    "async with Lifespan())"
)


def log_late_start(scope: Scope, *, is_other_registry: bool) -> None:
    """
    Log what to change, so that resources start before the first request.

    :param scope: The scope of the first request.
    :param is_other_registry: Whether the server's lifespan reached an application of
        another registry.
    """
    if is_other_registry:
        problem = "the server's lifespan reached an application of another registry"
        fix = "give both applications the same registry"
    elif "wsgi_environ" in scope:  # a2wsgi, asgiref's own bridges
        problem = "a WSGI server serves this application, and sends no lifespan"
        fix = (
            "serve the application of wsgi.py, made by "
            "django_lifespan_typed.wsgi.get_wsgi_application"
        )
    elif "router" in scope:  # Starlette
        problem = "the application that mounts this one passes no lifespan on"
        fix = (
            "enter run_asgi_lifespan(application) in the lifespan of the FastAPI or "
            "Starlette application"
        )
    else:
        name = next((name for name in _FLAGS if name in sys.modules), None)
        problem = "the server sent no lifespan"
        fix = (
            f"{_FLAGS[name] if name else _NO_SERVER}, and let asgi.py pass scopes of "
            'type "lifespan" on to the application'
        )
    logger.warning(
        "%s: resources start at the first request, and it depends on the server "
        "whether they shut down. To fix it, %s.",
        problem,
        fix,
    )
