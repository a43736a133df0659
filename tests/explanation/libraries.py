"""The libraries of the comparison, each run with the same resources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias, final

import svcs
import svcs.starlette
from aiohttp import web
from dishka import Provider, Scope, make_async_container
from django_asgi_lifespan.handler import LifespanASGIHandler as PeerHandler
from django_asgi_lifespan.register import register_lifespan_manager
from fastapi import FastAPI
from litestar import Litestar
from starlette.applications import Starlette
from typing_extensions import Self

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import FakeServer
from tests.benchmarks.peers.django_asgi_lifespan import only_managers


@final
class Probe:
    """
    A resource that records the tasks in which it was opened and closed.

    It is not a generator, because Python closes those when it collects them.
    """

    def __init__(
        self,
        name: str,
        journal: list[str],
        *,
        opens: bool = True,
        closes: bool = True,
    ) -> None:
        self.name: Final = name
        self.opened_in: asyncio.Task[Any] | None = None
        self.closed_in: asyncio.Task[Any] | None = None
        self._journal = journal
        self._opens = opens
        self._closes = closes

    async def __aenter__(self) -> Self:
        self._journal.append(f"{self.name} begins")
        await asyncio.sleep(0)
        if not self._opens:
            raise ConnectionError(self.name)
        self.opened_in = asyncio.current_task()
        self._journal.append(f"+{self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed_in = asyncio.current_task()
        self._journal.append(f"-{self.name}")
        if not self._closes:
            raise ConnectionResetError(self.name)

    async def close(self) -> None:
        await self.__aexit__()


# Starts and stops a library, and returns the exception that it raised.
Run: TypeAlias = Callable[[Sequence[Probe]], Awaitable[BaseException | None]]


async def _served(app: Any) -> BaseException | None:
    """Start and stop an application as a server does."""
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
    # A reference: Python would close a manager that it collects.
    managers = [_named(probe) for probe in probes]
    with only_managers([]):
        for manager in managers:
            register_lifespan_manager(context_manager=partial(_given, manager))
        return await _served(PeerHandler())


@asynccontextmanager
async def _named(probe: Probe) -> AsyncGenerator[dict[str, Any]]:
    async with probe:
        yield {probe.name: probe}


@asynccontextmanager
async def _opened(probe: Probe, _app: object = None) -> AsyncGenerator[Probe]:
    """Wrap a probe in a generator function, as most users do."""
    async with probe:
        yield probe


def _given(manager: Any) -> Any:
    return manager


def _by_hand(probes: Sequence[Probe]) -> Any:
    """The lifespan function for Starlette and FastAPI."""

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
    # The default configures the logging of the whole process.
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
    probes: Sequence[Probe], *, resolved_by_requests: bool = False
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
                if resolved_by_requests:
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


# By the name in the table.
LIBRARIES: Final[Mapping[str, Run]] = {
    "django-lifespan-typed": _ours,
    "django-asgi-lifespan": _django_asgi_lifespan,
    "Starlette": _starlette,
    "FastAPI": _fastapi,
    "Litestar": _litestar,
    "aiohttp": _aiohttp,
    "svcs": _svcs,
    "dishka": _dishka,
    "dishka, in a request": partial(_dishka, resolved_by_requests=True),
}
