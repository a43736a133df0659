"""Django signals of an ASGI lifespan."""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = ["LifespanSender", "asgi_lifespan", "asgi_shutdown", "asgi_startup"]


class LifespanSender:
    """The sender of these signals."""


asgi_startup: Final = Signal()
"""
Sent after all resources have started, and before the first request is served.
Receivers get ``scope`` and ``state``. They may be async.
"""

asgi_lifespan: Final = Signal()
"""
Sent before the resources start. A receiver returns a lifespan manager, as for
``register_lifespan_manager``, or None.
"""

asgi_shutdown: Final = Signal()
"""
Sent before the resources shut down, if ``asgi_startup`` was sent, even if one of its
receivers failed. Receivers get ``scope`` and ``state``. They may be async.
"""
