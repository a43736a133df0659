"""The application that the real servers serve."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.servers.project.settings")

from django_lifespan_typed.asgi import get_asgi_application

application = get_asgi_application()
