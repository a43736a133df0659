"""Settings of the scratch project, which has the app that ``APP`` names."""

from __future__ import annotations

import json
import os

SECRET_KEY = "of the tests"
INSTALLED_APPS = ["django_lifespan_typed", os.environ["APP"]]
USE_TZ = True
LIFESPAN = json.loads(os.environ.get("LIFESPAN", "{}"))
# A console that says everything, as projects have it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
