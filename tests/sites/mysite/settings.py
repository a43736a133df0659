"""
Settings of the project for all tests with real servers, which run in its folder.

``APPS`` (environment) names the installed apps, and the first of them has the URLs:
``shop`` (the default), ``warehouse`` (WSGI) or ``feeds`` (background tasks).
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any

APPS = os.environ.get("APPS", "shop").split()

SECRET_KEY = "for tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = f"{APPS[0]}.views"
ASGI_APPLICATION = os.environ.get("ASGI_APPLICATION", "mysite.asgi.application")
WSGI_APPLICATION = "mysite.wsgi.application"
INSTALLED_APPS = [
    *os.environ.get("SERVER_APPS", "").split(),
    "django_lifespan_typed",
    *APPS,
]
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
if APPS[0] == "warehouse":
    MIDDLEWARE = ["warehouse.views.atomic_middleware"]
DATABASE = os.environ.get("DATABASE", ":memory:")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        "OPTIONS": {"timeout": 30},
        # Channels' live server test case needs a file.
        "TEST": {"NAME": f"{DATABASE}-test"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
LIFESPAN = json.loads(os.environ.get("LIFESPAN", "{}"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "daphne": {"class": "logging.StreamHandler"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Daphne logs when it listens.
    "loggers": {"daphne.server": {"handlers": ["daphne"], "level": "INFO"}},
}

# As a logging configuration imports uvicorn's formatter, whichever server runs.
for module in os.environ.get("IMPORTS", "").split():
    import_module(module)
