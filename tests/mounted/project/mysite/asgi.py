"""Three applications in one, each with its lifespan."""

from __future__ import annotations

import os
from typing import Any

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Before what needs Django's apps.
django_application = get_asgi_application()

from .mounts import api, api_state, mcp_app, mcp_state  # noqa: E402

MOUNTED = {"/api": (api, api_state), "/mcp": (mcp_app, mcp_state)}


async def dispatch(scope: Any, receive: Any, send: Any) -> None:
    """By the first part of the path."""
    first = "/".join(scope["path"].split("/")[:2])
    if first in MOUNTED:
        app, state = MOUNTED[first]
        scope = {**scope, "state": get_state(scope, state).copy()}
        await app(scope, receive, send)
    else:
        await django_application(scope, receive, send)


application = with_lifespan(dispatch)
