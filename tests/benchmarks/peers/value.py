"""
The values that all peers make, and the content of a peer's module.

``FETCHES``: expression → a coroutine function that evaluates it for each request
given; ``serving()``: an async context manager that yields how to ask for a page.

``starting(shape, pause)``: declares resources, each of which takes *pause* seconds;
returns a function whose async context manager starts them when it is entered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final


class Number(int):
    """The resource that is fetched, in some libraries by this type."""


NUMBER: Final = Number(1)

KINDS: Final = [type(f"Kind{number}", (), {}) for number in range(3_000)]
"""A type for each resource, for libraries that use types as keys."""


def generator(
    kind: type[Any], needs: Sequence[type[Any]], pause: float
) -> Callable[..., AsyncGenerator[Any, None]]:
    """An async generator function that makes a *kind*, of arguments of *needs*."""

    async def nothing() -> AsyncGenerator[Any, None]:
        if pause:
            await asyncio.sleep(pause)
        yield kind()

    async def one(_first: Any) -> AsyncGenerator[Any, None]:
        if pause:
            await asyncio.sleep(pause)
        yield kind()

    async def two(_first: Any, _second: Any) -> AsyncGenerator[Any, None]:
        if pause:
            await asyncio.sleep(pause)
        yield kind()

    made: Any = (nothing, one, two)[len(needs)]
    names = ("_first", "_second")
    made.__annotations__ = {
        **dict(zip(names, needs, strict=False)),
        "return": AsyncGenerator[kind, None],
    }
    return made
