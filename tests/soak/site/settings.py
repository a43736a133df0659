"""Settings of the site: with the package, or without it for the control."""

from __future__ import annotations

import os

WITH_LIFESPAN = os.environ["SITE"] == "with_lifespan"

SECRET_KEY = "for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.soak.site.views"
INSTALLED_APPS = ["tests.soak.site"]
MIDDLEWARE: list[str] = []
USE_TZ = True
if WITH_LIFESPAN:
    INSTALLED_APPS.append("django_lifespan_typed")
    MIDDLEWARE.append("django_lifespan_typed.middleware.LifespanStateMiddleware")
