"""The ASGI protocol: answers a lifespan, admits requests, refuses them."""

from __future__ import annotations

import sys
from asyncio import CancelledError, current_task
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias

from .._declare.registry import Registry, registry_or_default
from .._runtime.state import RequestValues
from .._text import describe, summary
from .._threads.asgiref import asyncio_loop
from ..exceptions import ProtocolError
from ..types import Receive, Scope, Send
from .gate import Gate, gate_of
from .refusals import is_liveness_probe, refuse

OpenLifespan: TypeAlias = Callable[[Scope], AbstractAsyncContextManager[object]]

_SPEC: Final = "the ASGI specification, 'Lifespan Protocol'"


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
    loop = asyncio_loop()
    admission = gate.admissions.get(loop)
    if admission is None:
        admission = await gate.admit(scope)
    if admission is None:
        if scope["type"] == "http" and is_liveness_probe(_path(scope)):
            return await app(scope, receive, send)
        await refuse(scope, send)
        return None
    values, requests = admission
    # A new scope: the host's own code keeps its own values.
    state = RequestValues(scope.get("state") or ())
    state.update(values)
    state.loop = loop
    scope = {**scope, "state": state}
    task: Any = current_task(loop)
    if task in requests.tasks:
        return await app(scope, receive, send)  # Django inside a router, say
    requests.tasks.add(task)
    try:
        return await app(scope, receive, send)
    except CancelledError:
        if not requests.was_ended(task):
            raise
        return None  # the server has not cancelled it
    finally:
        requests.tasks.discard(task)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path") or "")


async def answer_lifespan(
    open_lifespan: OpenLifespan, scope: Scope, receive: Receive, send: Send
) -> None:
    """
    Hold *open_lifespan* open from the server's startup message to its shutdown.

    A failure is first sent and then raised: some servers look only at the message,
    others only at the exception. If it is cancelled, it shuts down and raises. Raises
    ``ProtocolError``, after the shutdown, for an unexpected message.
    """
    first = (await receive())["type"]
    if first == "lifespan.shutdown":
        # A few servers send it after they failed to start.
        await send({"type": "lifespan.shutdown.complete"})
        return
    _expect("lifespan.startup", first)
    step = "startup"
    try:
        async with open_lifespan(scope):
            step = "serving"
            await send({"type": "lifespan.startup.complete"})
            _expect("lifespan.shutdown", (await receive())["type"])
            step = "shutdown"
    except Exception as error:
        if step != "serving":
            # The log has the tracebacks of a shutdown.
            message = describe(error) if step == "startup" else summary(error)
            await send({"type": f"lifespan.{step}.failed", "message": message})
        raise
    await send({"type": "lifespan.shutdown.complete"})


def _expect(expected: str, received: object) -> None:
    if received == expected:
        return
    is_known = received in {"lifespan.startup", "lifespan.shutdown"}
    problem = f"{received!r} a second time" if is_known else f"unknown {received!r}"
    raise ProtocolError(
        f"the server sent {problem} instead of {expected!r} ({_SPEC})\n"
        "Report it to the server, or to the middleware between it and Django."
    )
