"""Live pages: how they are told that something has changed."""

from __future__ import annotations

from typing import Final

from channels.layers import get_channel_layer

#: The group of all live pages.
PAGES: Final = "pages"


async def tell_pages() -> None:
    """Have every live page look at the state again."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(PAGES, {"type": "library.changed"})
