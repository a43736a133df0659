"""Settings of the shop."""

from __future__ import annotations

import os

SECRET_KEY = "of the shop"
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    *os.environ.get("APPS", "").split(),
    "django_lifespan_typed",
    "shop",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "shop.sqlite3",
        # A file: threads see what others have committed.
        "TEST": {"NAME": "test.sqlite3"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
MEDIA_URL = "media/"
ASGI_APPLICATION = "shop.asgi.application"
