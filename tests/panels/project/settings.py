"""Settings of the project; each test says where our middleware stands."""

from __future__ import annotations

import os

SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.panels.project.urls"
WSGI_APPLICATION = os.environ.get("WSGI", "tests.panels.project.wsgi.application")
STATIC_URL = "static/"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "debug_toolbar",
    "django_lifespan_typed",
    "tests.panels.project",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]

_STATE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
_PLACE = os.environ.get("PLACE")
MIDDLEWARE = [
    *(_STATE if _PLACE == "before" else ()),
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    *(_STATE if _PLACE == "after" else ()),
    # What it serves makes all before it sync too.
    *(["tests.panels.project.views.sync_only"] if os.environ.get("SYNC") else ()),
]

DEBUG_TOOLBAR_PANELS = [
    "tests.panels.project.answering.AnsweringPanel",
    "debug_toolbar.panels.history.HistoryPanel",
    "django_lifespan_typed.panels.LifespanPanel",
    "debug_toolbar.panels.request.RequestPanel",
]
DEBUG_TOOLBAR_CONFIG = {
    "IS_RUNNING_TESTS": False,
    "SHOW_TOOLBAR_CALLBACK": "tests.panels.project.views.wants_toolbar",
}
