"""The log of a lifespan: its startup, its shutdown, and what is slow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from typing import Any

import pytest

from .probes import BLOCKING, SHAPES, Hang, Limits, Log, Probes, Shape

NAME = "django_lifespan_typed"
Listen = Callable[[Callable[[str], object]], None]


@pytest.fixture
def on_warning() -> Generator[Listen]:
    """Register a function that is called with each warning of this test."""
    handler = logging.Handler(logging.WARNING)

    def listen(call: Callable[[str], object]) -> None:
        handler.emit = lambda record: call(record.getMessage())
        logging.getLogger(NAME).addHandler(handler)

    yield listen
    logging.getLogger(NAME).removeHandler(handler)


def warnings(caplog: Log) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]


async def test_each_startup_and_shutdown_is_logged(probes: Probes, caplog: Log) -> None:
    """And the whole, with its critical path."""
    caplog.set_level(logging.INFO, NAME)
    probes.add_chain("db", "repository")
    probes.add("view", "repository", shape=BLOCKING)

    await probes.run()

    messages = caplog.messages
    expected = [
        *("'db'", "'repository'", "'view'"),
        "3 resources",
        *("'view'", "'repository'", "'db'"),
        "lifespan",
    ]
    for message, word in zip(messages, expected, strict=True):
        assert word in message
        assert " ms" in message
    assert messages[3].endswith("'db' > 'repository' > 'view'")
    assert {record.levelname for record in caplog.records} == {"INFO"}


@pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)
async def test_names_are_escaped_in_every_log_line(
    shape: Shape, probes: Probes, caplog: Log
) -> None:
    """Also in the names of tasks and threads, which a formatter may show."""
    caplog.set_level(logging.INFO, NAME)
    name = "db\n[INFO] \x1b[31mforged\x9b"
    probe = probes.add(name, shape=shape)
    probes.add("view", name, shape=shape)

    await probes.run()

    runs_in: Any = probe.opened[0].runs_in
    runner = runs_in.name if shape.blocking else runs_in.get_name()
    shown = [*caplog.messages, runner]
    assert any("critical path: " in text for text in shown)
    assert [text for text in shown if not text.isprintable()] == []


@pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)
async def test_a_slow_startup_is_logged_while_it_lasts(
    shape: Shape, probes: Probes, hang: Hang, limits: Limits, on_warning: Listen
) -> None:
    """Again and again, with the resources that wait for it."""
    limits(REPORT_INTERVAL=0.01)
    probes.add("started")
    probes.add("slow", "started", shape=shape, start=hang)
    probes.add("b", "slow")
    probes.add("a", "slow")
    probes.add("alone", start=hang)
    reports: list[str] = []

    def count(message: str) -> None:
        if "'slow'" in message:  # it has begun
            reports.append(message)
        if len(reports) == 3:
            hang.release()

    on_warning(count)

    await probes.run()

    for message in reports[:3]:
        assert "'alone'" in message
        assert "'a', 'b'" in message
        assert "'started'" not in message


async def test_a_slow_shutdown_is_logged_while_it_lasts(
    probes: Probes, caplog: Log, hang: Hang, limits: Limits, on_warning: Listen
) -> None:
    """With its dependencies, which wait for it."""
    limits(REPORT_INTERVAL=0.01)
    probes.add("dependency")
    probes.add("slow", "dependency", stop=hang)

    async with probes.lifespan():
        caplog.clear()
        on_warning(lambda _: hang.release())

    message = warnings(caplog)[0]
    assert message.index("'slow'") < message.index("'dependency'")


async def test_a_running_lifespan_is_not_slow(
    probes: Probes, caplog: Log, limits: Limits
) -> None:
    limits(REPORT_INTERVAL=0.001)
    probes.add("it")

    async with probes.lifespan():
        caplog.clear()
        await asyncio.sleep(0.02)

    assert warnings(caplog) == []
