"""A program whose command waits: ``python -m tests.commands.interrupted async``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from django_lifespan_typed import current_state, lifespan_resource
from django_lifespan_typed.commands import LifespanCommand


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


@lifespan_resource("pool")
async def pool() -> AsyncGenerator[str]:
    say("+pool")
    yield "pool"
    say("-pool")


class Async(LifespanCommand):
    async def ahandle(self, *args: Any, **options: Any) -> None:
        say(f"working with {current_state()[pool]}")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            say("unwound")


class Sync(Async):
    def handle(self, *args: Any, **options: Any) -> None:
        self.lifespan.call(self.ahandle)


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    settings.configure()
    django.setup()
    call_command({"async": Async, "sync": Sync}[sys.argv[1]]())
