"""Django signals, sent when an ASGI lifespan starts and stops."""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = ["LifespanSender", "asgi_lifespan", "asgi_shutdown", "asgi_startup"]


class LifespanSender:
    """The sender of every signal here."""


asgi_startup: Final = Signal()
"""
Sent after all resources have started, before the first request is served.
Receivers are called with ``scope`` and ``state``; they may be async.
"""

asgi_lifespan: Final = Signal()
"""
Sent before resources start. A receiver returns a callable that makes a
context manager of names and values, or None for nothing to add;
``register_lifespan_manager`` is the shorter way.
"""

asgi_shutdown: Final = Signal()
"""
Sent before resources stop, whenever ``asgi_startup`` was sent, even where
one of its receivers failed. Called with ``scope`` and ``state``; may be async.
"""
