"""Settings of a project whose resources SCENE selects."""

from __future__ import annotations

import json
import os
from typing import Any

SECRET_KEY = "of the tests"
INSTALLED_APPS = ["django_lifespan_typed", "mysite"]
USE_TZ = True
LIFESPAN = json.loads(os.environ.get("LIFESPAN", "{}"))
# The command must not show a record a second time.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
if os.environ.get("LOG") == "file":
    LOGGING["handlers"] = {
        "console": {"class": "logging.FileHandler", "filename": os.devnull}
    }
