"""Names that mean something to those who draw them, and to a terminal."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from django_lifespan_typed import StateKey, lifespan_resource

NAMES = ('a "b" \\', "<i>&amp;</i>", "end", "größe;#35;", "\x1b[31mred\n`x`")

needs: tuple[StateKey[str], ...] = ()
for name in NAMES:

    @lifespan_resource(name, needs=needs[-1:], optional=name == NAMES[-1])
    async def resource(*_: str) -> AsyncGenerator[str]:
        yield "a value"

    needs += (resource,)
