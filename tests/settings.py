"""Django settings of the tests."""

from __future__ import annotations

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
