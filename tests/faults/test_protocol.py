"""Arbitrary servers: odd scopes, odd messages, requests at any moment."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from hypothesis import HealthCheck, given, settings, strategies as st

from django_lifespan_typed import Registry
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import http_scope

from .clock import FakeLoop, virtual_time
from .factories import register
from .probes import Diary, Probe
from .scenario import Act, Shape, Spec
from .server import FOR_EVER

CASES: Final = int(os.environ.get("FAULT_CASES", "400"))

VALUES: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.binary(max_size=5)
)
STATES: Final = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
# A state is a dictionary where there is one (ASGI); all else may be anything.
SCOPES: Final = st.tuples(
    st.dictionaries(
        st.sampled_from(["asgi", "extensions", "path", "headers", "method", "odd"]),
        VALUES | STATES,
    ),
    st.none() | STATES,
)
TYPES: Final = st.one_of(
    *[st.just("lifespan.startup")] * 3,
    *[st.just("lifespan.shutdown")] * 2,
    st.sampled_from(["http.request", "lifespan", "", "lifespan.startup.complete"]),
    st.text(max_size=8),
)
EXTRA: Final = st.dictionaries(st.sampled_from(["message", "state", "body"]), VALUES)
MESSAGES: Final = st.builds(lambda kind, extra: {**extra, "type": kind}, TYPES, EXTRA)
STEPS: Final = st.lists(
    st.one_of(
        MESSAGES,
        MESSAGES,
        st.just("receive breaks"),
        st.just("send breaks"),
        st.just("request"),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    max_size=8,
)


@settings(
    max_examples=CASES,
    derandomize=CASES <= 400,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(SCOPES, STEPS)
def test_no_server_makes_it_hang_or_serve_half_started(
    given_scope: tuple[dict[str, Any], dict[str, Any] | None], steps: list[Any]
) -> None:
    """It ends, with nothing open; requests are served while all runs, else 503."""
    odd, state = given_scope
    scope = {**odd, "type": "lifespan"} | ({} if state is None else {"state": state})

    with virtual_time() as loop:
        loop.run_until_complete(_drive(loop, scope, steps))

    assert loop.problems == []


async def _drive(loop: FakeLoop, scope: dict[str, Any], steps: list[Any]) -> None:
    diary = Diary(loop)
    specs = (
        Spec((), Shape.GENERATOR, Act(1.0), Act(0.5)),
        Spec((0,), Shape.CLASS, Act(0.5), Act(1.0)),
    )
    probes = [Probe(number, spec, diary, False) for number, spec in enumerate(specs)]
    registry = Registry()
    for probe in probes:
        register(probe, registry, probes)
    handler = LifespanASGIHandler(registry)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    sent: list[str] = []
    taken: list[Any] = []
    broken = False

    async def receive() -> Any:
        message = await inbox.get()
        taken.append(message)
        if message == "receive breaks":
            raise OSError(message)
        return message

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if broken:
            raise OSError("send breaks")

    async def ask() -> None:
        answer: list[Any] = []

        async def body() -> Any:
            assert all(probe.started for probe in probes), "served half-started"
            assert not any(probe.stopping for probe in probes), "served half-stopped"
            return {"type": "http.disconnect"}

        async def respond(message: Any) -> None:
            answer.append(message)

        await handler(http_scope("/", state={}), body, respond)
        assert not answer or answer[0]["status"] == 503

    serving = asyncio.ensure_future(handler(scope, receive, send))
    asked: list[asyncio.Task[None]] = []
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif step == "request":
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            # One that comes before any lifespan would start one of its own.
            first = taken[0] if taken else None
            if isinstance(first, dict) and first["type"] == "lifespan.startup":
                asked.append(asyncio.ensure_future(ask()))
        elif step == "send breaks":
            broken = True
        else:
            inbox.put_nowait(step)
    inbox.put_nowait({"type": "lifespan.shutdown"})
    _, pending = await asyncio.wait({serving, *asked}, timeout=FOR_EVER)

    assert not pending, "it hangs"
    for task in asked:
        task.result()
    error = serving.exception()
    assert error is None or isinstance(error, Exception)
    assert (error is None) == (sent[-1:] == ["lifespan.shutdown.complete"]) or broken
    assert all(probe.closed == probe.opened for probe in probes)
    assert asyncio.all_tasks() == {asyncio.current_task()}
