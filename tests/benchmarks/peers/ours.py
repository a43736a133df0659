"""django-lifespan-typed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from django_lifespan_typed import (
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.benchmarks import site
from tests.benchmarks.gathering import served
from tests.benchmarks.shapes import Shape

from .value import NUMBER, Number, Serving, Start, factories

__all__ = ["FETCHES", "declared", "get_state", "serving", "starting"]

KEY = StateKey[Number]("number")
FETCHES = {
    "get_state(request, KEY)": "get_state(request, KEY)",
    'request.state["number"]': 'request.state["number"]',
}


REGISTRY = Registry()
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]


@lifespan_resource(KEY, registry=REGISTRY)
async def number() -> AsyncGenerator[Number, None]:
    yield NUMBER


def application() -> LifespanASGIHandler:
    return LifespanASGIHandler(REGISTRY)


def serving() -> Serving:
    return served(site.lifespan_handler(REGISTRY), "/hold/")


def starting(shape: Shape, pause: float) -> Start:
    handler = LifespanASGIHandler(declared(shape, pause))
    return lambda: run_asgi_lifespan(handler)


def declared(shape: Shape, pause: float) -> Registry:
    registry = Registry()
    resources: list[Any] = []
    for factory, needs in zip(factories(shape, pause), shape, strict=True):
        wanted: Any = tuple(resources[need] for need in needs)
        name = f"resource {len(resources)}"
        declare: Any = lifespan_resource(name, needs=wanted, registry=registry)
        resources.append(declare(factory))
    return registry
