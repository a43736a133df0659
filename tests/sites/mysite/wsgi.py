"""The WSGI application; prints which threads its import finds."""

from __future__ import annotations

import os

from django_lifespan_typed.wsgi import get_wsgi_application

from .journal import note_what_runs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

application = get_wsgi_application()
note_what_runs()
