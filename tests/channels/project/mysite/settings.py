"""Settings of the scratch project."""

from __future__ import annotations

SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["daphne", "channels", "django.contrib.staticfiles", "mysite"]
MIDDLEWARE: list[str] = []
STATIC_URL = "static/"
USE_TZ = True

# What says which port was taken; all else is as Django has it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"daphne.server": {"handlers": ["console"], "level": "INFO"}},
}
