"""Settings of the site with health probes."""

from __future__ import annotations

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.health.site.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
# Each probe makes its own check, for a test does not wait a second.
LIFESPAN = {"HEALTH_CACHE": 1e-300}
