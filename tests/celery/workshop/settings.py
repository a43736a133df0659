"""Settings of the workshop, with a broker in a folder of the test."""

from __future__ import annotations

import os

SECRET_KEY = "of the tests"
INSTALLED_APPS = ["django_lifespan_typed", "workshop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

_FOLDER = os.environ["WORKSHOP_FOLDER"]
CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT = "workshop.broker:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "data_folder_in": f"{_FOLDER}/queue",
    "data_folder_out": f"{_FOLDER}/queue",
    "control_folder": f"{_FOLDER}/control",
    "polling_interval": 0.02,
}
CELERY_RESULT_BACKEND = f"file://{_FOLDER}/results"
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
