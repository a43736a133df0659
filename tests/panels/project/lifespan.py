"""Resources whose values hold secrets."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator

from django_lifespan_typed import StateKey, lifespan_resource, lifespan_task


class Shelf:
    def __repr__(self) -> str:
        return "a secret"


class Lamp(Shelf): ...


Marked = type("<b>Marked</b>", (Shelf,), {})

NOWHERE = StateKey[Shelf]("nowhere")
MARKED = StateKey[Shelf]('<script>alert("name")</script>')


@lifespan_resource("shelf")
async def shelf() -> AsyncGenerator[Shelf]:
    yield Shelf()


@lifespan_resource("lamp", needs=(shelf,))
async def lamp(shelf: Shelf) -> AsyncGenerator[Lamp]:
    yield Lamp()


@lifespan_resource(MARKED, needs=(shelf, lamp))
async def marked(shelf: Shelf, lamp: Lamp) -> AsyncGenerator[Shelf]:
    yield Marked()


@lifespan_resource("broken", optional=True)
async def broken() -> AsyncGenerator[Shelf]:
    raise ConnectionError("with a secret")
    yield


if os.environ.get("TASK"):

    @lifespan_task("feed", restart="never", optional=True)
    async def feed() -> None: ...
