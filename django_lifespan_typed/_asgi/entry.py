"""The one way into an application: its lifespan, its requests, and its refusals."""

from __future__ import annotations

import sys
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from typing import Any

from .._declare.registry import Registry, registry_or_default
from .gate import Gate, gate_of
from .protocol import answer_lifespan, refuse


def gate_for_server(registry: Registry | None) -> Gate:
    """
    Return the gate of *registry*, for an application that a server is about to serve.

    Daphne, which sends no lifespan, starts it with its reactor.
    """
    gate = gate_of(registry_or_default(registry))
    if "daphne.server" in sys.modules:
        from . import daphne

        daphne.attach(gate)
    return gate


async def serve(
    gate: Gate,
    app: Callable[[Any, Any, Any], Awaitable[object]],
    scope: Any,
    receive: Any,
    send: Any,
) -> Any:
    """
    Answer a lifespan, or pass a connection on to *app* with the running values.

    The values win over those that a server, a host application or a middleware has put
    on the state under the same names.
    """
    if scope["type"] == "lifespan":
        await answer_lifespan(gate.open, scope, receive, send)
        return None
    values = gate.values.get(get_running_loop())
    if values is None:
        values = await gate.admit()
    if values is None:
        await refuse(scope, send)
        return None
    # A new scope: the host's own code keeps its own values.
    scope = {**scope, "state": {**(scope.get("state") or {}), **values}}
    with gate.requests.record():
        return await app(scope, receive, send)
