"""The WSGI application."""

from __future__ import annotations

import os

from django_lifespan_typed.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.panels.project.settings")
application = get_wsgi_application()
