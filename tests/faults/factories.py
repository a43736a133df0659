"""Factories of every shape, which act as their probes say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed.register import register_lifespan_manager

from .probes import Probe, Value
from .scenario import Fault, Shape


def _generator(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> AsyncIterator[Any]:
        probe.begin(needs)
        try:
            async with probe.group():
                await probe.start()
                if probe.spec.start.fault is Fault.NEVER_YIELD:
                    return
                try:
                    yield probe.enter()
                    if probe.spec.stop.fault is Fault.YIELD_TWICE:
                        await probe.stop()
                        yield probe.value
                finally:
                    probe.leave()
                    if probe.spec.stop.fault is not Fault.YIELD_TWICE:
                        await probe.stop()
        finally:
            probe.end()

    return factory


def _blocking(probe: Probe) -> Callable[..., Any]:
    def factory(*needs: object) -> Iterator[Any]:
        probe.begin(needs)
        try:
            probe.act_blocking("start", probe.spec.start)
            if probe.spec.start.fault is Fault.NEVER_YIELD:
                return
            try:
                yield probe.enter()
                if probe.spec.stop.fault is Fault.YIELD_TWICE:
                    probe.leave()
                    probe.act_blocking("stop", probe.spec.stop)
                    yield probe.value
            finally:
                probe.leave()
                if probe.spec.stop.fault is not Fault.YIELD_TWICE:
                    probe.act_blocking("stop", probe.spec.stop)
        finally:
            probe.end()

    return factory


def _coroutine(probe: Probe) -> Callable[..., Any]:
    async def factory(*needs: object) -> Any:
        probe.begin(needs)
        await probe.start()
        return probe.enter()

    return factory


def _class(probe: Probe) -> Callable[..., Any]:
    class Factory:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        async def __aenter__(self) -> Any:
            probe.begin(self.needs)
            try:
                await probe.start()
            except BaseException:
                probe.end()
                raise
            return probe.enter()

        async def __aexit__(self, *_: object) -> None:
            try:
                await probe.stop()
            finally:
                probe.end()

    return Factory


def _manager(probe: Probe) -> Callable[..., Any]:
    manager = asynccontextmanager(_generator(probe))
    # The lifespan names it by these two.
    manager.__module__, manager.__qualname__ = "faults", probe.name
    return manager


FACTORIES: Final[dict[Shape, Callable[[Probe], Callable[..., Any]]]] = {
    Shape.GENERATOR: _generator,
    Shape.COROUTINE: _coroutine,
    Shape.CLASS: _class,
    Shape.BLOCKING: _blocking,
    Shape.MANAGER: _manager,
    Shape.RECEIVED: _manager,
}


def register(probe: Probe, registry: Registry, probes: list[Probe]) -> None:
    """Register the resource of *probe*, unless a receiver returns it."""
    spec = probe.spec
    factory = FACTORIES[spec.shape](probe)
    if spec.shape is Shape.RECEIVED:
        return
    if spec.shape is Shape.MANAGER:
        register_lifespan_manager(context_manager=factory, registry=registry)
        return
    options: Any = {"optional": True} if probe.optional else {}
    declare: Any = lifespan_resource(
        StateKey[Value](probe.name),
        needs=tuple(StateKey[Value](probes[number].name) for number in spec.needs),
        start_timeout=spec.start_limit,
        stop_timeout=spec.stop_limit,
        registry=registry,
        **options,
    )
    resource = declare(factory)
    if spec.health is not None:
        act = spec.health.act

        async def check(value: object) -> object:
            with probe.checking(value) as label:
                await probe.diary.act(act, label)
            return act.fault is not Fault.FALSE

        def check_blocking(value: object) -> object:
            with probe.checking(value) as label:
                probe.diary.act_blocking(act, label)
            return act.fault is not Fault.FALSE

        resource.health(check_blocking if spec.health.blocking else check)
