"""The ASGI application, in one that knows what the server sent."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.panels.project.settings")

from django.core.signals import request_finished

from django_lifespan_typed.asgi import get_asgi_application
from tests.processes import happened

django_application = get_asgi_application()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        await django_application(scope, receive, send)
        return
    own = scope["own"] = scope["state"]
    await django_application(scope, receive, send)
    if scope["path"] == "/own":
        happened(f"{scope['state'] is own}, left {own.get('left')}")


def finished(**_: object) -> None:
    happened("finished")


request_finished.connect(finished)
