"""Sends tasks and waits for them: ``python -m workshop.client ask 3``."""

from __future__ import annotations

import json
import sys
import threading

from . import celery_app


def main() -> None:
    task, count = sys.argv[1], int(sys.argv[2])
    results = [celery_app.send_task(f"workshop.tasks.{task}") for _ in range(count)]
    answers = [result.get(timeout=60, interval=0.02) for result in results]
    names = [thread.name for thread in threading.enumerate()]
    print(json.dumps({"answers": answers, "threads": names}))


main()
