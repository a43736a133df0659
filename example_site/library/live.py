"""Notifies live pages of changes."""

from __future__ import annotations

from typing import Final

from channels.layers import get_channel_layer

#: The group of all live pages.
PAGES: Final = "pages"


async def notify_pages() -> None:
    """Let each live page send its current values."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(PAGES, {"type": "library.changed"})
