"""The WSGI application: the same pages, without the websocket and the MCP server."""

from __future__ import annotations

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler

from django_lifespan_typed.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")

application = StaticFilesHandler(get_wsgi_application())
