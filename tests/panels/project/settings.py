"""Settings; MIDDLEWARE_AT says where LifespanStateMiddleware stands."""

from __future__ import annotations

import os

SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.panels.project.views"
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

MIDDLEWARE = ["debug_toolbar.middleware.DebugToolbarMiddleware"]
_STATE = "django_lifespan_typed.middleware.LifespanStateMiddleware"
if os.environ.get("MIDDLEWARE_AT") == "before":
    MIDDLEWARE.insert(0, _STATE)
elif os.environ.get("MIDDLEWARE_AT") == "after":
    MIDDLEWARE.append(_STATE)
if os.environ.get("SYNC"):
    # It makes all outer middleware sync too.
    MIDDLEWARE.append("tests.panels.project.views.sync_only")

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
