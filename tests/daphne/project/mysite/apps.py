"""The one app of the scratch project."""

from __future__ import annotations

import os
import signal
from typing import Any

from django.apps import AppConfig

from tests.processes import happened


def own_sigterm(*_: object) -> None:
    """What a project may do of its own."""
    from twisted.internet import reactor

    happened("the project's own SIGTERM")
    stopping: Any = reactor
    stopping.callFromThread(stopping.stop)


class MySiteConfig(AppConfig):
    name = "mysite"

    def ready(self) -> None:
        from . import lifespan  # noqa: F401 - declares the resources

        if "OWN_SIGTERM" in os.environ:
            signal.signal(signal.SIGTERM, own_sigterm)
