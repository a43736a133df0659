"""The WSGI application of the site with health probes."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.health.site.settings"

from django_lifespan_typed.wsgi import get_wsgi_application

from . import resources  # noqa: F401 - declares them

application = get_wsgi_application()
