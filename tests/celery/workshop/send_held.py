"""Sends the task that waits: ``python -m workshop.send_held gate``."""

from __future__ import annotations

import sys

from . import celery_app

celery_app.send_task("workshop.tasks.held", sys.argv[1:])
