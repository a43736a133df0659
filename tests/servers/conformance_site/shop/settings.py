"""Settings of the site; the tests set what differs in the environment."""

from __future__ import annotations

import json
import os

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
LIFESPAN = json.loads(os.environ.get("LIFESPAN", "{}"))
USE_TZ = True
