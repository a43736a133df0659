"""Django's test clients, whose requests have a state."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django.test.client import ClientHandler

from .._compat import Self, override
from .._declare.keys import StateKey
from .._declare.registry import Registry
from .._runtime.lifespan import Lifespan
from .._runtime.lookup import current_lifespan
from ..exceptions import LifespanNotRunning
from ..types import State


class _StatefulHandler(ClientHandler):
    """Django's handler for tests, whose requests have a state."""

    client: LifespanClient

    @override
    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        # Where get_state and our middleware look. Not request.state, which without that
        # middleware no server's request has: the test would pass, and the site fail.
        request.__dict__["scope"] = {"state": self.client._state_of_request()}
        return super().get_response(request)


class LifespanClient(Client):
    """
    Django's ``Client``, over a running lifespan::

        with LifespanClient() as client:
            response = client.get("/")

    The block starts the resources of *registry*, of *only* those keys if given, on a
    loop that async views run on too. Outside such a block it is over the lifespan
    that runs here: of ``LifespanTestCase``, a fixture, ``with Lifespan()``.

    Each request has its own shallow copy of the state, as servers do. Raises
    ``LifespanNotRunning`` from a request where no lifespan runs.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        only: Iterable[StateKey[Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        handler = _StatefulHandler(options.get("enforce_csrf_checks", False))
        handler.client = self
        self.handler: ClientHandler = handler
        self._lifespan = Lifespan(registry, only=only)

    def __enter__(self) -> Self:
        self._lifespan.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lifespan.__exit__(kind, error, traceback)

    def _state_of_request(self) -> State:
        return _copied_from(self._lifespan, "with LifespanClient() as client:")


class LifespanAsyncClient(AsyncClient):
    """
    Django's ``AsyncClient``, over a running lifespan::

        async with LifespanAsyncClient() as client:
            response = await client.get("/")

    As ``LifespanClient``, on the running event loop.
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._lifespan.__aexit__(kind, error, traceback)

    def _base_scope(self, **request: Any) -> dict[str, Any]:
        parent: Any = super()  # django-stubs leaves this method out
        scope: dict[str, Any] = parent._base_scope(**request)
        scope["state"] = _copied_from(
            self._lifespan, "async with LifespanAsyncClient() as client:"
        )
        return scope


def _copied_from(own: Lifespan, remedy: str) -> State:
    lifespan = own if own.loop is not None else current_lifespan()
    if lifespan is None:
        raise LifespanNotRunning(
            "no lifespan runs where this test client sends a request\n"
            f"Write: {remedy}\n"
            "Or derive the test case from LifespanTestCase, whose setUp your own has "
            "to call, or use pytest's fixture lifespan."
        )
    return lifespan.state.copy()


class LifespanAwareAsyncClient(AsyncClient):
    """
    Django's ``AsyncClient``, whose requests find a copy of *state* on their scope::

        client = LifespanAwareAsyncClient(state={"http": fake})

    Nothing is started. Since Django 5.2, ``AsyncClient(state=...)`` would make it a
    header.
    """

    state: State

    def __init__(self, state: State, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.state = state

    def _base_scope(self, **request: Any) -> dict[str, Any]:
        parent: Any = super()  # django-stubs leaves this method out
        scope: dict[str, Any] = parent._base_scope(**request)
        scope["state"] = {**self.state}
        return scope
