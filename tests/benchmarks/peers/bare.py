"""A dictionary in a module, the baseline of the others."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.benchmarks import site
from tests.benchmarks.gathering import Ask, asker

from .value import NUMBER

RESOURCES = {"number": NUMBER}


async def _fetch(requests: Iterable[Any]) -> None:
    for _request in requests:
        RESOURCES["number"]


FETCHES = {'RESOURCES["number"]': _fetch}


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    yield asker(site.plain_handler(), {}, "/hold/")
