"""Three applications in one, each with its lifespan."""

from __future__ import annotations

from typing import Any

from mysite.asgi import application as django_application

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import with_lifespan
from tests.gates import journaled

from .lifespan import api, api_state, mcp_app, mcp_state

MOUNTED = {"/api": (api, api_state), "/mcp": (mcp_app, mcp_state)}


async def dispatch(scope: Any, receive: Any, send: Any) -> None:
    """Choose the application by the first part of the path."""
    first = "/".join(scope["path"].split("/")[:2])
    if first in MOUNTED:
        app, state = MOUNTED[first]
        scope = {**scope, "state": get_state(scope, state).copy()}
        await app(scope, receive, send)
    else:
        await django_application(scope, receive, send)


application = with_lifespan(dispatch)
announced = journaled(application)
