"""``LifespanCommand``: resources beside a management command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from django_lifespan_typed import (
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.commands import LifespanCommand
from django_lifespan_typed.exceptions import (
    InvalidDeclaration,
    LifespanError,
    StateNotFound,
)
from tests.asgi.places import drawn

from .conftest import Add, portal_threads
from .scripts import interrupt, running_script

DB = StateKey[str]("db")


def test_a_sync_command_has_its_resources(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """``self.state`` has values; ``call`` and ``async_to_sync`` run on their loop."""
    add("db")

    async def loop_here() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    class Command(LifespanCommand):
        def handle(self, *args: Any, **options: Any) -> str:
            assert current_state() is self.state
            assert self.lifespan.call(loop_here) is async_to_sync(loop_here)()
            journal.append("handle")
            return self.state[DB]

    Command.registry = registry
    out = StringIO()
    returned = call_command(Command(), stdout=out)

    assert returned == "the db"
    assert out.getvalue() == "the db\n"
    assert journal == ["+db", "handle", "-db"]


def test_an_async_command_runs_on_their_loop(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """``ahandle`` gets what ``handle`` would, and what it returns is written."""
    add("db")

    class Command(LifespanCommand):
        def add_arguments(self, parser: Any) -> None:
            parser.add_argument("words", nargs="+")
            parser.add_argument("--times", type=int)

        async def ahandle(self, *args: Any, **options: Any) -> str:
            assert asyncio.get_running_loop() is self.lifespan.loop
            assert current_state() is self.state
            journal.append("ahandle")
            return " ".join([*options["words"], self.state[DB]] * options["times"])

    Command.registry = registry
    out = StringIO()
    call_command(Command(), "see", times=2, stdout=out)

    assert out.getvalue() == "see the db see the db\n"
    assert journal == ["+db", "ahandle", "-db"]


def test_it_starts_what_it_names_and_no_more(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """``only`` is a tuple of keys; what they need starts too."""
    cache = add("cache", add("db"))
    add("mail")

    class Command(LifespanCommand):
        only = (cache,)

        async def ahandle(self, *args: Any, **options: Any) -> None:
            journal.append(f"has {sorted(self.state)}")

    Command.registry = registry
    call_command(Command())

    assert journal == ["+db", "+cache", "has ['cache', 'db']", "-cache", "-db"]


def test_its_resources_start_after_djangos_checks(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """A project with mistakes opens nothing."""
    add("db")

    class Command(LifespanCommand):
        def check(self, *args: Any, **options: Any) -> None:
            journal.append("check")
            raise CommandError("no such app")

        def handle(self, *args: Any, **options: Any) -> None:
            journal.append("handle")

    Command.registry = registry
    with pytest.raises(CommandError, match="no such app"):
        call_command(Command(), skip_checks=False)

    assert journal == ["check"]


def test_it_runs_again_with_a_lifespan_of_its_own(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """One command object, called twice."""
    add("db")

    class Command(LifespanCommand):
        async def ahandle(self, *args: Any, **options: Any) -> None:
            journal.append(self.state[DB])

    Command.registry = registry
    command = Command()
    call_command(command)
    call_command(command)

    assert journal == ["+db", "the db", "-db"] * 2


def test_super_handle_is_in_the_same_lifespan(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """Commands that extend one another open nothing twice."""
    add("db")

    class Base(LifespanCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            journal.append(f"base has {self.state[DB]}")

    class Command(Base):
        def handle(self, *args: Any, **options: Any) -> None:
            super().handle(*args, **options)
            journal.append("and more")

    Command.registry = registry
    call_command(Command())

    assert journal == ["+db", "base has the db", "and more", "-db"]


def test_an_error_closes_and_is_raised_on(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """Django prints a ``CommandError`` as it always does."""
    add("db")

    class Command(LifespanCommand):
        async def ahandle(self, *args: Any, **options: Any) -> None:
            raise CommandError("nothing to import")

    Command.registry = registry
    with pytest.raises(CommandError, match="nothing to import"):
        call_command(Command())

    assert journal == ["+db", "-db"]


def test_a_failed_start_keeps_handle_from_being_called(
    registry: Registry, journal: list[str]
) -> None:
    """The resource's own error is raised."""

    @lifespan_resource("broken", registry=registry)
    async def broken() -> AsyncGenerator[int]:
        raise RuntimeError("no route to host")
        yield 1

    class Command(LifespanCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            journal.append("handle")

    Command.registry = registry
    with pytest.raises(RuntimeError, match="no route to host"):
        call_command(Command())

    assert journal == []
    assert portal_threads() == []


def test_an_unknown_key_is_named(registry: Registry, add: Add) -> None:
    """``only`` was mistyped."""
    add("db")

    class Command(LifespanCommand):
        only = (StateKey[str]("dbs"),)

        async def ahandle(self, *args: Any, **options: Any) -> None: ...

    Command.registry = registry
    with pytest.raises(StateNotFound) as caught:
        call_command(Command())

    assert str(caught.value) == (
        "only= names 'dbs', which nothing registers\n"
        "Did you mean 'db'? Registered: 'db'."
    )


def test_only_without_its_comma_is_refused_where_it_is_written() -> None:
    """Not at the first call, in a module of Django's."""
    with pytest.raises(InvalidDeclaration) as caught:

        class Command(LifespanCommand):  # C1
            only = StateKey[str]("db")  # type: ignore[assignment]

    assert str(caught.value) == (
        "test_only_without_its_comma_is_refused_where_it_is_written.<locals>.Command "
        "has only=<StateKey 'db' from tests.sync.test_command>, which is not a tuple "
        "of keys or resources\n"
        f"{drawn(__file__, '# C1')}\n"
        "Write: only=(HTTP,) with the comma, and the keys, not their names."
    )


def _async_handle() -> type[LifespanCommand]:
    class Command(LifespanCommand):
        async def handle(self, *args: Any, **options: Any) -> None:  # type: ignore[override]
            raise AssertionError

    return Command


def _sync_ahandle() -> type[LifespanCommand]:
    class Command(LifespanCommand):
        def ahandle(self, *args: Any, **options: Any) -> None:  # type: ignore[override]
            raise AssertionError

    return Command


def _no_handle() -> type[LifespanCommand]:
    class Command(LifespanCommand):
        pass

    return Command


@pytest.mark.parametrize(
    ("mistaken", "text"),
    [
        (
            _async_handle,
            (
                "{name}.handle is async, which Django would not await\n"
                "Name it ahandle: async def ahandle(self, *args, **options):"
            ),
        ),
        (
            _sync_ahandle,
            (
                "{name}.ahandle is not async\n"
                "Write: async def ahandle(self, *args, **options):, or name it handle."
            ),
        ),
        (
            _no_handle,
            (
                "{name} has nothing to do\n"
                "Write: async def ahandle(self, *args, **options):, or handle in sync "
                "code."
            ),
        ),
    ],
    ids=["async handle", "sync ahandle", "neither"],
)
def test_a_command_written_wrongly_is_told_how(
    mistaken: Any, text: str, registry: Registry, add: Add, journal: list[str]
) -> None:
    """Before anything starts."""
    add("db")
    command = mistaken()
    command.registry = registry

    with pytest.raises(LifespanError) as caught:
        call_command(command())

    name = f"{__name__}.{mistaken.__name__}.<locals>.Command"
    assert str(caught.value) == text.format(name=name)
    assert journal == []


async def test_called_on_an_event_loop_it_says_what_to_write(
    registry: Registry,
) -> None:
    """``call_command`` is sync, and would stop the loop."""

    class Command(LifespanCommand):
        async def ahandle(self, *args: Any, **options: Any) -> None: ...

    Command.registry = registry
    with pytest.raises(LifespanError) as caught:
        call_command(Command())

    assert str(caught.value) == (
        "this code runs on an event loop, which a command would stop\n"
        "Write: await sync_to_async(call_command, thread_sensitive=False)(...)"
    )


async def test_called_in_a_thread_of_an_event_loop_it_runs(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """As the error says."""
    add("db")

    class Command(LifespanCommand):
        async def ahandle(self, *args: Any, **options: Any) -> None:
            journal.append(current_state()[DB])

    Command.registry = registry
    await sync_to_async(call_command, thread_sensitive=False)(Command())

    assert journal == ["+db", "the db", "-db"]


def test_it_is_djangos_command(registry: Registry) -> None:
    """Everything else is as Django has it."""
    assert issubclass(LifespanCommand, BaseCommand)
    assert LifespanCommand.only is None
    assert LifespanCommand.registry is None


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, -signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, 128 + signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGHUP, 128 + signal.SIGHUP, id="SIGHUP"),
    ],
)
@pytest.mark.parametrize(
    "handle",
    [
        """async def ahandle(self, *args: Any, **options: Any) -> None:
        await self.work()""",
        """def handle(self, *args: Any, **options: Any) -> None:
        self.lifespan.call(self.work)""",
    ],
    ids=["ahandle", "handle"],
)
def test_a_signal_ends_it_and_closes(
    number: signal.Signals, code: int, handle: str
) -> None:
    """
    An orchestrator's SIGTERM, or the SIGHUP of a terminal that is lost, as well as
    Ctrl-C; the work has unwound before.
    """
    script = f"""
if {int(number)} == signal.SIGHUP:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup
from django.core.management import call_command
from django_lifespan_typed.commands import LifespanCommand

class Command(LifespanCommand):
    {handle}

    async def work(self) -> None:
        say("working with " + current_state()[pool][:4])
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            say("unwound")

call_command(Command())
"""
    with running_script(script) as child:
        child.until("^working")

        interrupt(child, number, "unwound")
        ended = child.wait()

    assert child.lines[:4] == ["+pool", "working with pool", "unwound", "-pool"]
    assert ended == code


def test_the_signal_handler_is_put_back(registry: Registry) -> None:
    """The command's own handler lives no longer than the command."""
    seen: list[Any] = []

    class Command(LifespanCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            seen.append(signal.getsignal(signal.SIGTERM))

    Command.registry = registry
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        call_command(Command())
        seen.append(signal.getsignal(signal.SIGTERM))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        call_command(Command())
        seen.append(signal.getsignal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)

    assert callable(seen[0])
    assert seen[1:] == [signal.SIG_DFL, signal.SIG_IGN, signal.SIG_IGN]


def test_an_ahandle_that_asks_for_its_base_is_told_that_there_is_none(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """As in Django, the base has nothing to do; what has started is closed."""
    add("db")

    class Command(LifespanCommand):
        async def ahandle(self, *args: Any, **options: Any) -> str | None:
            return await super().ahandle(*args, **options)

    Command.registry = registry
    with pytest.raises(NotImplementedError):
        call_command(Command())

    assert journal == ["+db", "-db"]
