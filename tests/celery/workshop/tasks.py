"""Tasks that use the pool."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from celery import shared_task

from django_lifespan_typed import current_state, get_state

from .lifespan import pool, say


@shared_task
def ask() -> dict[str, Any]:
    """Ask the pool twice."""
    found = current_state()[pool]
    answers = [async_to_sync(found.ask)(), async_to_sync(get_state({}, pool).ask)()]
    say("asked")
    return {"pid": os.getpid(), "answers": answers}


@shared_task
def held(gate: str) -> dict[str, Any]:
    """Wait until the test writes to *gate*, then ask the pool."""
    say("held")
    Path(gate).read_bytes()
    return ask()
