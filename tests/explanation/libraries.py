"""Each library of the comparison, with probes for resources, as its pages say."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import svcs
import svcs.starlette
from aiohttp import web
from dishka import Provider, Scope, make_async_container
from django_asgi_lifespan.handler import LifespanASGIHandler as PeerHandler
from django_asgi_lifespan.register import register_lifespan_manager
from django_asgi_lifespan.signals import asgi_lifespan
from fastapi import FastAPI
from litestar import Litestar
from starlette.applications import Starlette

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import FakeServer

from .probes import Probe

# What a run of a library raised, if anything, from its start to the end of its stop.
Run: TypeAlias = Callable[[Sequence[Probe]], Awaitable[BaseException | None]]


async def _served(app: Any) -> BaseException | None:
    """As a server does it: startup, and shutdown if the start was well."""
    async with FakeServer(app, state={}) as server:
        if (await server.startup())["type"] == "lifespan.startup.complete":
            await server.shutdown()
        return await server.outcome()


async def _ours(probes: Sequence[Probe]) -> BaseException | None:
    registry = Registry()
    for probe in probes:
        lifespan_resource(probe.name, registry=registry)(partial(_opened, probe))
    return await _served(LifespanASGIHandler(registry))


async def _django_asgi_lifespan(probes: Sequence[Probe]) -> BaseException | None:
    # Kept: a manager that is collected is closed by Python, not by the library.
    managers = [_named(probe) for probe in probes]
    with _only_these_managers():
        for manager in managers:
            register_lifespan_manager(context_manager=partial(_given, manager))
        return await _served(PeerHandler())


@contextmanager
def _only_these_managers() -> Iterator[None]:
    before = asgi_lifespan.receivers
    asgi_lifespan.receivers = []
    asgi_lifespan.sender_receivers_cache.clear()
    try:
        yield
    finally:
        asgi_lifespan.receivers = before
        asgi_lifespan.sender_receivers_cache.clear()


@asynccontextmanager
async def _named(probe: Probe) -> AsyncGenerator[dict[str, Any]]:
    async with probe:
        yield {probe.name: probe}


@asynccontextmanager
async def _opened(probe: Probe, _app: object = None) -> AsyncGenerator[Probe]:
    """As most are written: a generator function round what is to be closed."""
    async with probe:
        yield probe


def _given(manager: Any) -> Any:
    return manager


def _by_hand(probes: Sequence[Probe]) -> Any:
    """The lifespan that Starlette and FastAPI are given."""

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            yield {
                probe.name: await stack.enter_async_context(_opened(probe))
                for probe in probes
            }

    return lifespan


async def _starlette(probes: Sequence[Probe]) -> BaseException | None:
    return await _served(Starlette(lifespan=_by_hand(probes)))


async def _fastapi(probes: Sequence[Probe]) -> BaseException | None:
    return await _served(FastAPI(lifespan=_by_hand(probes)))


async def _litestar(probes: Sequence[Probe]) -> BaseException | None:
    # Its own would turn on the logging of the whole process.
    lifespan: list[Any] = [partial(_opened, probe) for probe in probes]
    return await _served(Litestar(lifespan=lifespan, logging_config=None))


async def _aiohttp(probes: Sequence[Probe]) -> BaseException | None:
    app = web.Application()
    for probe in probes:
        app.cleanup_ctx.append(partial(_opened, probe))
    runner = web.AppRunner(app)
    error: BaseException | None = None
    try:
        await runner.setup()
    except Exception as failed:
        error = failed
    try:
        await runner.cleanup()
    except Exception as failed:
        error = error or failed
    return error


async def _svcs(probes: Sequence[Probe]) -> BaseException | None:
    async def lifespan(
        _app: object, registry: svcs.Registry
    ) -> AsyncGenerator[dict[str, object]]:
        for probe in probes:
            value = await probe.__aenter__()
            kind = type(probe.name, (), {})
            registry.register_value(kind, value, on_registry_close=probe.close)
        yield {}

    return await _served(Starlette(lifespan=svcs.starlette.lifespan(lifespan)))


async def _dishka(
    probes: Sequence[Probe], *, asked_by_requests: bool = False
) -> BaseException | None:
    provider = Provider(scope=Scope.APP)
    kinds = [type(probe.name, (), {}) for probe in probes]
    for kind, probe in zip(kinds, probes, strict=True):
        provider.provide(_generator(kind, probe))
    container = make_async_container(provider)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        try:
            for kind in kinds:
                if asked_by_requests:
                    await asyncio.create_task(container.get(kind))
                else:
                    await container.get(kind)
            yield
        finally:
            await container.close()

    return await _served(Starlette(lifespan=lifespan))


def _generator(kind: type[Any], probe: Probe) -> Any:
    async def factory() -> AsyncGenerator[Any]:
        async with probe:
            yield kind()

    factory.__annotations__["return"] = AsyncGenerator[kind, None]
    return factory


OURS: Final = "django-lifespan-typed"

# The heading of a column, and how it is run.
LIBRARIES: Final[Mapping[str, Run]] = {
    OURS: _ours,
    "django-asgi-lifespan": _django_asgi_lifespan,
    "Starlette": _starlette,
    "FastAPI": _fastapi,
    "Litestar": _litestar,
    "aiohttp": _aiohttp,
    "svcs": _svcs,
    "dishka": _dishka,
    "dishka, by a request": partial(_dishka, asked_by_requests=True),
}
