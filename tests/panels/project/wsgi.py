"""The WSGI application."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.panels.project.settings")

from django.core.signals import request_finished

from django_lifespan_typed.wsgi import get_wsgi_application
from tests.processes import happened

application = get_wsgi_application()


def finished(**_: object) -> None:
    happened("finished")


request_finished.connect(finished)
