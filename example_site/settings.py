"""Settings of the library: SQLite, no secrets, for loopback."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SITE = Path(__file__).resolve().parent

SECRET_KEY = os.environ.get("SECRET_KEY", "for-the-demo-on-loopback-only")
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

ROOT_URLCONF = "example_site.urls"
ASGI_APPLICATION = "example_site.asgi.application"
WSGI_APPLICATION = "example_site.wsgi.application"

INSTALLED_APPS = [
    "django_lifespan_typed",
    "example_site.library",
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

# `manage.py runserver` is Daphne's, for ASGI, or Django's own, for WSGI.
if os.environ.get("RUNSERVER", "daphne") == "daphne" and find_spec("daphne"):
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    # Only for `request.state`; get_state() does not need it.
    "django_lifespan_typed.middleware.LifespanStateMiddleware",
    "example_site.library.middleware.BookServiceErrorMiddleware",
]

# `make demo DEBUG=1` shows the resources of a request in the toolbar.
if DEBUG and find_spec("debug_toolbar"):
    INSTALLED_APPS.append("debug_toolbar")
    MIDDLEWARE.insert(0, "debug_toolbar.middleware.DebugToolbarMiddleware")
    INTERNAL_IPS = ["127.0.0.1"]
    DEBUG_TOOLBAR_PANELS = [
        "django_lifespan_typed.panels.LifespanPanel",
        "debug_toolbar.panels.timer.TimerPanel",
        "debug_toolbar.panels.sql.SQLPanel",
        "debug_toolbar.panels.templates.TemplatesPanel",
    ]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", SITE / "library.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# For one process, like the reading room; use channels_redis for several.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True

# Seconds for each startup, for each shutdown, and for the whole shutdown.
LIFESPAN = {"START_TIMEOUT": 60, "STOP_TIMEOUT": 5, "STOP_BUDGET": 25}

# The address of the book service. If it is empty, the site starts one.
BOOK_SERVICE_URL = os.environ.get("BOOK_SERVICE_URL", "")

# The daily catalogue, beside the database.
CATALOGUE_FILE = Path(DATABASES["default"]["NAME"]).with_name("catalogue.json")

# The time that a book stays in the window.
WINDOW_SECONDS = float(os.environ.get("WINDOW_SECONDS", "8"))

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
    },
}
