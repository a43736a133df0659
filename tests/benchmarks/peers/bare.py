"""A dictionary in a module, the baseline of the others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from django.core.handlers.asgi import ASGIHandler

from tests.benchmarks import site
from tests.benchmarks.gathering import Ask, asker

from .value import NUMBER

RESOURCES = {"number": NUMBER}
FETCHES = {'RESOURCES["number"]': 'RESOURCES["number"]'}
MIDDLEWARE = [site.IDLE]
application = ASGIHandler


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    yield asker(site.plain_handler(), {}, "/hold/")
