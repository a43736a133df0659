"""Settings of the site: with the package, or without for the control."""

from __future__ import annotations

import os

WITH_LIFESPAN = os.environ["SITE"] == "with_lifespan"

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = f"tests.soak.site.{os.environ['SITE']}"
INSTALLED_APPS = ["tests.soak.site"]
MIDDLEWARE: list[str] = []
if WITH_LIFESPAN:
    INSTALLED_APPS.append("django_lifespan_typed")
    MIDDLEWARE.append("django_lifespan_typed.middleware.LifespanStateMiddleware")
USE_TZ = True
