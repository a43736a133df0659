"""The ASGI application: Django, a websocket and an MCP server with one lifespan."""

from __future__ import annotations

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.urls import path, re_path

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")

# Before the imports that need Django's apps. The demo has no proxy for static files.
django: Any = ASGIStaticFilesHandler(get_asgi_application())

from .library.consumers import LivePage  # noqa: E402
from .library.lifespan import mcp  # noqa: E402


async def mcp_endpoint(scope: Any, receive: Any, send: Any) -> None:
    """Pass a request on to the application of the resource."""
    await get_state(scope, mcp)(scope, receive, send)


# Any: in Django's stubs a route leads to a view.
endpoint: Any = mcp_endpoint
live_page: Any = LivePage.as_asgi()

application = with_lifespan(
    ProtocolTypeRouter(
        {
            "http": URLRouter([path("mcp", endpoint), re_path("", django)]),
            "websocket": AllowedHostsOriginValidator(
                URLRouter([path("live/socket/", live_page)])
            ),
        }
    )
)
