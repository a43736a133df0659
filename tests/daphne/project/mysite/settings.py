"""Settings of the scratch project; the tests set what differs in the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = [
    *os.environ.get("SERVER_APPS", "daphne").split(),
    "django.contrib.staticfiles",
    "mysite",
]
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
ASGI_APPLICATION = os.environ.get("ASGI_APPLICATION", "mysite.asgi.application")
STATIC_URL = "static/"
LIFESPAN = json.loads(os.environ.get("LIFESPAN", "{}"))
USE_TZ = True

# Channels' live server test case wants a file.
_FILE = str(Path(__file__).resolve().parent / "db.sqlite3")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _FILE,
        "TEST": {"NAME": f"{_FILE}-test"},
    }
}

# What says which port was taken; all else is as Django has it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"daphne.server": {"handlers": ["console"], "level": "INFO"}},
}
