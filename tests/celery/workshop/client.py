"""Sends a task and awaits it: ``python -m workshop.client TASK COUNT [ARGUMENT]``."""

from __future__ import annotations

import json
import sys

from . import celery_app

if __name__ == "__main__":
    task, count, *arguments = sys.argv[1:]
    results = [
        celery_app.send_task(f"workshop.tasks.{task}", arguments)
        for _ in range(int(count))
    ]
    print(json.dumps([result.get(timeout=60, interval=0.02) for result in results]))
