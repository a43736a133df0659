"""The application; it reports each request to the ledger before anything else."""

from __future__ import annotations

import os
import socket
from functools import cache

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.soak.site.settings")

from django.conf import settings

from .lines import address

if settings.WITH_LIFESPAN:
    from django_lifespan_typed.asgi import get_asgi_application
else:
    from django.core.asgi import get_asgi_application

django = get_asgi_application()

# Requests that a leaking site keeps.
kept: list[object] = []


@cache
def diary() -> socket.socket:
    """A connection that lasts as long as the process."""
    return socket.create_connection(address())


async def application(scope, receive, send):  # type: ignore[no-untyped-def]
    if scope["type"] == "http":
        number = scope["path"].rpartition("/")[2]
        diary().sendall(f"handed {number}\n".encode())
        if "LEAKS" in os.environ:
            kept.append((scope, bytes(8192)))
    await django(scope, receive, send)
