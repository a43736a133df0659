"""The WSGI application: ``gunicorn shop.wsgi``."""

from __future__ import annotations

import os
import threading

from django_lifespan_typed.wsgi import get_wsgi_application

from .resources import say

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()

say(f"imported, with {sorted(thread.name for thread in threading.enumerate())}")
