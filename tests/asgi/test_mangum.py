"""Mangum (AWS Lambda), which starts and shuts down a lifespan for every call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from mangum import Mangum

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler

from .urls import EVERYWHERE, NUMBER


@pytest.fixture(autouse=True)
def _loop_of_the_runtime() -> Generator[None]:
    """Mangum expects the main thread to have a loop, as on Lambda."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def event(path: str) -> dict[str, Any]:
    """Return a request of the API gateway (payload version 2.0)."""
    http = {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "example.org"},
        "requestContext": {"http": http},
        "isBase64Encoded": False,
    }


def test_every_call_opens_and_closes(registry: Registry, journal: list[str]) -> None:
    """The call after a failed startup tries again."""
    failures = [RuntimeError("no route to host")]

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+number")
        if failures:
            raise failures.pop()
        yield 7
        journal.append("-number")

    serve: Any = Mangum(LifespanASGIHandler(registry), lifespan="on")
    with pytest.raises(Exception, match="no route to host"):
        serve(event("/everywhere"), {})
    for path in ("/everywhere", "/everywhere-async"):
        answer = serve(event(path), {})
        journal.append("answered")
        assert json.loads(answer["body"]) == EVERYWHERE

    assert journal == ["+number", *("+number", "-number", "answered") * 2]
