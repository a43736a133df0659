"""Django's test clients, with the lifespan state on each request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django.test.client import ClientHandler

from .._compat import Self, override
from .._declare.keys import StateKey
from .._declare.registry import Registry
from .._runtime.lifespan import Lifespan
from .._runtime.lookup import find_lifespan
from ..exceptions import LifespanNotRunning
from ..types import State


class LifespanClient(Client):
    """
    Django's ``Client``, with a running lifespan::

        with LifespanClient() as client:
            response = client.get("/")

    The block starts the resources on an event loop that async views run on, too.
    Outside such a block the client uses the running lifespan of ``LifespanTestCase``,
    a fixture or ``with Lifespan()``.

    Each request has its own shallow copy of the state, as under a server. A request
    raises ``LifespanNotRunning`` where no lifespan runs.

    :param registry: the ``Registry`` to start; None for the default one.
    :param only: the keys to start, with their dependencies; None for all.
    :param options: the arguments of ``Client``.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        only: Iterable[StateKey[Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._lifespan = Lifespan(registry, only=only)
        self.handler: ClientHandler = _Handler(
            self._lifespan, options.get("enforce_csrf_checks", False)
        )

    def __enter__(self) -> Self:
        self._lifespan.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._lifespan.__exit__(None, None, None)


class LifespanAsyncClient(AsyncClient):
    """
    Django's ``AsyncClient``, with a running lifespan::

        async with LifespanAsyncClient() as client:
            response = await client.get("/")

    Works as ``LifespanClient`` does, on the running event loop.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        only: Iterable[StateKey[Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._lifespan = Lifespan(registry, only=only)

    async def __aenter__(self) -> Self:
        await self._lifespan.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lifespan.__aexit__(None, None, None)

    @override
    async def request(self, **scope: Any) -> Any:
        """Send a request with a copy of the state; Django's methods call this."""
        state = _copied_state(self._lifespan, "async with LifespanAsyncClient()")
        return await super().request(**scope, state=state)


class LifespanAwareAsyncClient(AsyncClient):
    """
    Django's ``AsyncClient``, with given values on the scope of each request::

        client = LifespanAwareAsyncClient(state={"http": fake})

    It starts nothing. Since Django 5.2, ``AsyncClient(state=...)`` sends a header.

    :param state: the values by name.
    :param defaults: the arguments of ``AsyncClient``.
    """

    state: State

    def __init__(self, state: State, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.state = state

    @override
    async def request(self, **scope: Any) -> Any:
        """Send a request with a copy of the state; Django's methods call this."""
        return await super().request(**scope, state={**self.state})


class _Handler(ClientHandler):
    def __init__(self, lifespan: Lifespan, enforce_csrf_checks: bool) -> None:
        super().__init__(enforce_csrf_checks)
        self._lifespan = lifespan

    @override
    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        # get_state and our middleware read the scope. Setting request.state would
        # let a test pass without the middleware that the site needs.
        state = _copied_state(self._lifespan, "with LifespanClient()")
        request.__dict__["scope"] = {"state": state}
        return super().get_response(request)


def _copied_state(own: Lifespan, block: str) -> State:
    lifespan = own if own.loop is not None else find_lifespan()
    if lifespan is None:
        raise LifespanNotRunning(
            "no lifespan runs where this test client sends a request\n"
            f"Write: {block} as client:\n"
            "Or derive the test case from LifespanTestCase, and call super().setUp() "
            "in your own setUp, or use pytest's fixture lifespan."
        )
    return lifespan.state.copy()
