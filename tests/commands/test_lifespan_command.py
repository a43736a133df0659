"""LifespanCommand: resources run during a management command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import CommandError, call_command

from django_lifespan_typed import Registry, StateKey, current_state
from django_lifespan_typed.commands import LifespanCommand
from django_lifespan_typed.exceptions import InvalidDeclaration, LifespanError
from tests.journaling import Add
from tests.processes import LIMIT, ROOT, running

pytestmark = pytest.mark.usefixtures("nothing_is_left")

DB = StateKey[str]("db")


@pytest.fixture
def base(registry: Registry) -> Any:
    """A command that starts the registry of the test."""
    return type("Base", (LifespanCommand,), {"registry": registry})


@pytest.fixture(autouse=True)
def _db(add: Add) -> None:
    add("db")


def test_a_sync_command_has_the_resources(base: Any, journal: list[str]) -> None:
    async def running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    class Command(base):  # type: ignore[misc]
        def handle(self, *args: Any, **options: Any) -> str:
            assert current_state() is self.state
            assert self.lifespan.call(running_loop) is async_to_sync(running_loop)()
            journal.append("handle")
            return self.state[DB]

    command, out = Command(), StringIO()
    for _ in range(2):
        assert call_command(command, stdout=out) == "db()"

    assert out.getvalue() == "db()\n" * 2
    assert journal == ["+db", "handle", "-db"] * 2


def test_an_async_command_runs_on_the_event_loop_of_the_resources(
    base: Any, journal: list[str]
) -> None:
    class Command(base):  # type: ignore[misc]
        def add_arguments(self, parser: Any) -> None:
            parser.add_argument("word")
            parser.add_argument("--times", type=int)

        async def ahandle(self, *args: Any, **options: Any) -> str:
            assert asyncio.get_running_loop() is self.lifespan.loop
            assert current_state() is self.state
            journal.append("ahandle")
            return " ".join([options["word"], self.state[DB]] * options["times"])

    out = StringIO()
    call_command(Command(), "see", times=2, stdout=out)

    assert out.getvalue() == "see db() see db()\n"
    assert journal == ["+db", "ahandle", "-db"]


def test_a_command_may_start_some_of_the_resources(
    base: Any, add: Add, journal: list[str]
) -> None:
    add("mail")

    class Command(base):  # type: ignore[misc]
        only = (add("cache", DB),)

        async def ahandle(self, *args: Any, **options: Any) -> None:
            assert {*self.state} == {"cache", "db"}

    call_command(Command())

    assert journal == ["+db", "+cache", "-cache", "-db"]


@pytest.mark.parametrize(
    ("failing", "events"),
    [
        ("check", []),
        ("start", ["+db", "+broken", "-db"]),
        ("ahandle", ["+db", "ahandle", "-db"]),
    ],
)
def test_an_error_is_raised_when_everything_is_closed(
    base: Any, add: Add, journal: list[str], failing: str, events: list[str]
) -> None:
    if failing == "start":
        add("broken", DB, fails="start")

    class Command(base):  # type: ignore[misc]
        def check(self, *args: Any, **options: Any) -> None:
            if failing == "check":
                raise CommandError("check")

        async def ahandle(self, *args: Any, **options: Any) -> None:
            journal.append("ahandle")
            raise CommandError("ahandle")

    with pytest.raises((CommandError, ConnectionError)):
        call_command(Command(), skip_checks=False)

    assert journal == events


def test_ahandle_of_the_base_class_is_not_implemented(base: Any) -> None:
    class Command(base):  # type: ignore[misc]
        async def ahandle(self, *args: Any, **options: Any) -> Any:
            return await super().ahandle(*args, **options)

    with pytest.raises(NotImplementedError):
        call_command(Command())


async def test_a_command_runs_in_a_thread_of_an_event_loop(
    base: Any, journal: list[str]
) -> None:
    class Command(base):  # type: ignore[misc]
        async def ahandle(self, *args: Any, **options: Any) -> None:
            journal.append(current_state()[DB])

    await sync_to_async(call_command, thread_sensitive=False)(Command())

    assert journal == ["+db", "db()", "-db"]


async def test_a_command_refuses_to_block_an_event_loop(base: Any) -> None:
    with pytest.raises(LifespanError) as caught:
        call_command(base())

    assert str(caught.value) == (
        "this code runs on an event loop, which a command would block\n"
        "Write: await sync_to_async(call_command, thread_sensitive=False)(...)"
    )


def _function(*args: Any, **options: Any) -> None: ...
async def _async_function(*args: Any, **options: Any) -> None: ...


EITHER = (
    "Write: async def ahandle(self, *args, **options):\n"
    "Or, in a sync command: def handle(self, *args, **options):"
)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        pytest.param(
            {"handle": _async_function},
            "{name}.handle is async, and Django does not await it\n"
            "Write: async def ahandle(self, *args, **options):",
            id="async handle",
        ),
        pytest.param(
            {"ahandle": _function}, "{name}.ahandle is not async\n" + EITHER, id="sync"
        ),
        pytest.param(
            {}, "{name} implements neither handle nor ahandle\n" + EITHER, id="neither"
        ),
    ],
)
def test_a_mistaken_method_is_explained_before_the_start(
    methods: dict[str, Callable[..., Any]], message: str, base: Any, journal: list[str]
) -> None:
    command = type("Command", (base,), {"__module__": "shop", **methods})

    with pytest.raises(LifespanError) as caught:
        call_command(command())

    assert str(caught.value) == message.format(name="shop.Command")
    assert journal == []


def test_only_is_checked_where_the_class_is_written() -> None:
    with pytest.raises(InvalidDeclaration, match=Path(__file__).name):

        class Command(LifespanCommand):
            only = StateKey[str]("db")  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("SIGINT", -signal.SIGINT, "async"),
        ("SIGTERM", 128 + signal.SIGTERM, "sync"),
        ("SIGHUP", 128 + signal.SIGHUP, "async"),
    ],
)
def test_resources_shut_down_when_a_signal_ends_the_command(
    name: str, code: int, kind: str
) -> None:
    arguments = ("-m", "tests.commands.interrupted", kind)
    with running(*arguments, folder=ROOT, PYTHONDEVMODE=None) as process:
        process.until("^working")
        # A signal that arrives just before the main thread waits is handled after
        # the wait: another one wakes it.
        for _ in range(LIMIT // 10):
            process.send(signal.Signals[name])
            if process.soon("^unwound$", 10):
                break
        ended = process.wait()

    assert process.lines[:4] == ["+pool", "working with pool", "unwound", "-pool"]
    assert ended == code


@pytest.mark.parametrize("project", [signal.SIG_IGN, lambda *_: None])
def test_signal_handlers_of_the_project_stay(project: Any, base: Any) -> None:
    seen: list[Any] = []

    class Command(base):  # type: ignore[misc]
        def handle(self, *args: Any, **options: Any) -> None:
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    try:
        for handler in (signal.SIG_DFL, project):
            signal.signal(signal.SIGTERM, handler)
            call_command(Command())
            seen.append(signal.getsignal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)

    assert callable(seen[0])
    assert seen[1:] == [signal.SIG_DFL, project, project]
