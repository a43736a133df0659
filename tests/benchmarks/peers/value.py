"""
The values that all peers make, and the content of a peer's module.

- ``FETCHES`` maps the text in the table to the expression to measure, which uses
  ``request`` and the names of the module.
- ``serving()`` returns an async context manager, which yields a way to request a page.
- ``starting(shape, pause)`` declares resources, each of which takes *pause* seconds. It
  returns a function whose async context manager starts them when it is entered.
- ``application()`` and ``MIDDLEWARE`` are those of a Django site.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias

from tests.benchmarks.gathering import Ask
from tests.benchmarks.shapes import Shape

Serving: TypeAlias = AbstractAsyncContextManager[Ask]
"""Serves the resource, and yields a way to request a page."""

Start: TypeAlias = Callable[[], AbstractAsyncContextManager[object]]
"""Starts the declared resources once it is entered."""

Factory: TypeAlias = Callable[..., AsyncGenerator[Any, None]]
"""An async generator function with a parameter for each dependency."""


class Number(int):
    """The resource that is fetched, in some libraries by this type."""


NUMBER: Final = Number(1)

KINDS: Final = [type(f"Kind{number}", (), {}) for number in range(3_000)]
"""A type for each resource, for libraries that use types as keys."""


def factories(shape: Shape, pause: float) -> list[Factory]:
    """A factory for each resource, with annotations for libraries that read them."""
    return [
        _factory(kind, [KINDS[need] for need in needs], pause)
        for kind, needs in zip(KINDS, shape, strict=False)
    ]


def _factory(kind: type[Any], needs: list[type[Any]], pause: float) -> Factory:
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
    parameters = zip(("_first", "_second"), needs, strict=False)
    made.__annotations__ = {**dict(parameters), "return": AsyncGenerator[kind, None]}
    return made
