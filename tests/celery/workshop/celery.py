"""The Celery application: ``celery -A workshop worker``."""

from __future__ import annotations

import os

from celery import Celery

from django_lifespan_typed.celery import connect_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workshop.settings")

app = Celery("workshop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
connect_lifespan(app)
