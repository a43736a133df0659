"""Settings of the library: no database, no accounts, nothing to migrate."""

from __future__ import annotations

import os
from typing import Any

SECRET_KEY = os.environ.get("SECRET_KEY", "for-the-demo-on-loopback-only")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

ROOT_URLCONF = "example_site.urls"
ASGI_APPLICATION = "example_site.asgi.application"

INSTALLED_APPS = [
    "django_lifespan_typed",
    "example_site.library",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Only for `request.state`; get_state() does without.
    "django_lifespan_typed.middleware.LifespanStateMiddleware",
    "example_site.library.middleware.BookServiceErrorMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
        },
    },
]

USE_TZ = True

# Seconds: for each resource to start, for each to stop, and for all to stop.
LIFESPAN = {"START_TIMEOUT": 60, "STOP_TIMEOUT": 10, "STOP_BUDGET": 25}

# Where the books come from. Empty: the site starts a book service of its own.
BOOK_SERVICE_URL = os.environ.get("BOOK_SERVICE_URL", "")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{levelname:<8}{name}: {message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django_lifespan_typed": {"level": "INFO"},
        "example_site": {"level": "INFO"},
        "uvicorn": {"level": "INFO"},
    },
}
