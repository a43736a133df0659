"""Imports the application, and says what runs afterwards."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from django.core.management import BaseCommand

from django_lifespan_typed._runtime.current import running


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        from mysite.asgi import application

        self.stdout.write(f"application: {type(application).__name__}")
        self.stdout.write(f"lifespans: {len(running.loops())}")
        self.stdout.write(f"threads: {threading.active_count()}")
        loops = [o for o in gc.get_objects() if isinstance(o, asyncio.BaseEventLoop)]
        self.stdout.write(f"running loops: {sum(loop.is_running() for loop in loops)}")
