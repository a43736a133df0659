"""``manage.py lifespan check``."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncGenerator
from io import StringIO
from typing import ClassVar

import pytest
from django.core.management import CommandError, call_command

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._runtime.startup_times import waterfall
from django_lifespan_typed._runtime.status import ResourceStatus
from django_lifespan_typed.exceptions import LifespanError
from django_lifespan_typed.management.bars import bar_lines
from django_lifespan_typed.management.commands.lifespan import Command
from tests.processes import Gates
from tests.sync.scripts import interrupt

from .site import Ran, going_on, lifespan, unnumbered
from .test_show import CIRCLE


def test_all_that_starts_and_stops_is_told() -> None:
    """Each start, health, the waterfall, each stop; optional failures cost nothing."""
    ran = lifespan("shop", "check")

    assert ran.code == 0, ran.err
    assert ran.err == ""
    before, waterfall_, after = ran.out.split("\n\n")
    assert [unnumbered(line) for line in before.splitlines()][:-2] == [
        "Starting 5 resources",
        "  started 'db' in N ms",
        "  started 'cache' in N ms",
        "  started 'manager shop.lifespan.prices' in N ms",
        "  started 'catalogue' in N ms",
        "  optional 'search' failed; going on without it",
    ]
    started, healthy = before.splitlines()[-2:]
    # Which of the two took longer is a matter of luck.
    assert unnumbered(started) in {
        f"  lifespan started 4 resources in N ms, critical path: {first} > catalogue"
        for first in ("db", "cache")
    }
    assert unnumbered(healthy) == "  healthy 'db' in N ms"
    bars = waterfall_.splitlines()
    assert [line.split()[0] for line in bars] == [
        "db",
        "cache",
        "manager",
        "catalogue",
        "*",
    ]
    assert bars[-1] == "  * critical path: a faster one makes the start faster"
    assert bars[-2].endswith(" ms *")
    assert unnumbered(after).splitlines() == [
        "  stopped 'manager shop.lifespan.prices' in N ms",
        "  stopped 'catalogue' in N ms",
        "  stopped 'db' in N ms",
        "  stopped 'cache' in N ms",
        "  lifespan stopped in N ms",
        "  optional 'search' failed to start: ConnectionError: no search at port 9",
        "4 of 5 started and stopped as they should",
    ]


def test_only_starts_those_named_and_what_they_need() -> None:
    """And no manager."""
    ran = lifespan("shop", "check", "--only", "db", "--only", "catalogue")

    assert ran.code == 0, ran.err
    assert ran.out.startswith("Starting 3 resources\n")
    assert ran.out.endswith("\n3 of 3 started and stopped as they should\n")
    assert "manager" not in ran.out


def test_only_with_an_unknown_name_says_which_are_known() -> None:
    """Nothing starts."""
    ran = lifespan("shop", "check", "--only", "catalog", "db")

    assert ran == Ran(
        1,
        "",
        "CommandError: --only names 'catalog', which nothing registers\n"
        "Did you mean 'catalogue'? Registered: 'cache', 'catalogue', 'db', "
        "'search'.\n",
    )


def test_verbosity_0_says_only_what_is_wrong() -> None:
    """And how it ended."""
    ran = lifespan("shop", "check", "--verbosity", "0")

    assert ran == Ran(
        0,
        "  optional 'search' failed; going on without it\n"
        "  optional 'search' failed to start: ConnectionError: no search at port 9\n"
        "4 of 5 started and stopped as they should\n",
        "",
    )


def test_a_failed_start_shows_its_traceback() -> None:
    """From the project's own lines on; what had started is stopped before."""
    ran = lifespan("failing", "check")

    assert ran.code == 1
    assert unnumbered(ran.out).splitlines() == [
        "Starting 2 resources",
        "  started 'db' in N ms",
        "  stopped 'db' in N ms",
        "  lifespan stopped in N ms",
    ]
    assert unnumbered(ran.err) == (
        "\n'github' failed to start:\n"
        "Traceback (most recent call last):\n"
        '  File "failing/lifespan.py", line 17, in github\n'
        '    raise ConnectionError("github is down")\n'
        "ConnectionError: github is down\n"
        "while starting lifespan resource 'github'\n"
        '    failing/lifespan.py:15  @lifespan_resource("github", needs=(db,))\n'
        "CommandError: 1 of 2 failed: 'github'\n"
    )


def test_a_failed_health_check_is_a_failure() -> None:
    """With its traceback; that of an optional resource is said."""
    ran = lifespan("ill", "check")

    assert ran.code == 1
    assert [line for line in unnumbered(ran.out).splitlines() if "health" in line] == [
        "  unhealthy, optional 'cache' in N ms: ConnectionError: no route",
        "  unhealthy 'db' in N ms",
    ]
    assert unnumbered(ran.err) == (
        "\n'db' is unhealthy:\n"
        "Traceback (most recent call last):\n"
        '  File "ill/lifespan.py", line 23, in refuses\n'
        '    raise ConnectionError("no route")\n'
        "ConnectionError: no route\n"
        "CommandError: 1 of 2 failed: 'db'\n"
    )


def test_a_crash_meanwhile_is_a_failure() -> None:
    """With what it crashed with, and where that was."""
    ran = lifespan("crashing", "check")

    assert ran.code == 1
    assert unnumbered(ran.err) == (
        "\n'feed' crashed:\n"
        "Traceback (most recent call last):\n"
        '  File "crashing/lifespan.py", line 23, in feed\n'
        '    raise ValueError("the feed has ended") from None\n'
        "ValueError: the feed has ended\n"
        "\n"
        "The above exception was the direct cause of the following exception:\n"
        "\n"
        "django_lifespan_typed.exceptions.ResourceCrashed: lifespan resource 'feed' "
        "ended while in use with ValueError\n"
        '    crashing/lifespan.py:18  @lifespan_resource("feed")\n'
        "CommandError: 1 of 2 failed: 'feed'\n"
    )


def test_each_failed_stop_shows_its_traceback() -> None:
    """Also of an optional resource: what it leaves open is left open."""
    ran = lifespan("closing", "check")

    assert ran.code == 1
    assert unnumbered(ran.out).splitlines()[-3:] == [
        "  failed to stop 'cache'",
        "  failed to stop 'db'",
        "  lifespan stopped in N ms",
    ]
    assert unnumbered(ran.err) == (
        "\n'db' failed to stop:\n"
        "Traceback (most recent call last):\n"
        '  File "closing/lifespan.py", line 13, in db\n'
        '    raise OSError("the db is gone")\n'
        "OSError: the db is gone\n"
        "while stopping lifespan resource 'db'\n"
        '    closing/lifespan.py:10  @lifespan_resource("db")\n'
        "\n'cache' failed to stop:\n"
        "Traceback (most recent call last):\n"
        '  File "closing/lifespan.py", line 19, in cache\n'
        '    raise OSError("the cache is gone")\n'
        "OSError: the cache is gone\n"
        "while stopping lifespan resource 'cache'\n"
        '    closing/lifespan.py:16  @lifespan_resource("cache", needs=(db,), '
        "optional=True)\n"
        "CommandError: 2 of 2 failed: 'cache', 'db'\n"
    )


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("circle", CIRCLE),
        (
            "missing",
            (
                "CommandError: lifespan resource 'github' depends on 'http', which "
                "is not registered\n"
                "    missing/lifespan.py:12  "
                '@lifespan_resource("github", needs=(HTTP,))\n'
                "Register it, or remove it from needs=. Registered: 'github'.\n"
            ),
        ),
    ],
    ids=["circle", "missing need"],
)
def test_a_plan_that_cannot_start_is_said_once(app: str, text: str) -> None:
    """Not a second time by Django's system checks, which the command leaves out."""
    assert lifespan(app, "check") == Ran(1, "", text)


def test_what_is_waited_for_is_told_while_it_starts() -> None:
    """At once, also through a pipe: who waits sees what for."""
    with (
        Gates("start") as gates,
        going_on(
            "waiting", "check", LIFESPAN='{"REPORT_INTERVAL": 0.1}', **gates.variables
        ) as process,
    ):
        gates.wait_for("start")

        process.until(
            r"^  lifespan still starting after \d+\.\d s: 'model' for \d+\.\d s "
            r"\(waiting for it: 'api'\)$"
        )
        gates.open("start")

        assert process.wait() == 0
        assert process.lines[-1] == "3 of 3 started and stopped as they should"


@pytest.mark.parametrize("gate", ["start", "health"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_closes_what_is_open(
    number: signal.Signals, code: int, gate: str
) -> None:
    """While it starts and while its health is asked for; the exit code says so."""
    with (
        Gates(gate) as gates,
        going_on(
            "waiting", "check", LIFESPAN='{"HEALTH_TIMEOUT": 100}', **gates.variables
        ) as process,
    ):
        gates.wait_for(gate)

        interrupt(process, number, "^@db closed$")

        assert process.wait() == code
        assert process.events == ["db closed"]
        assert process.lines[-1] == (
            "Interrupted: everything that was open has been closed"
        )


class _Checked(Command):
    """The command, of a registry that a test fills."""

    registry: ClassVar[Registry]


def test_the_log_is_as_it_was_afterwards(registry: Registry) -> None:
    """Its handlers are set aside while the command shows what they would say."""
    logger = logging.getLogger("django_lifespan_typed")
    kept = logging.NullHandler()
    logger.addHandler(kept)
    seen: list[list[logging.Handler]] = []

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        seen.append(logger.handlers)
        yield "the db"

    _Checked.registry = registry
    before = (logger.handlers, logger.level, logger.propagate, logger.disabled)
    try:
        call_command(_Checked(), "check", stdout=StringIO())

        after = (logger.handlers, logger.level, logger.propagate, logger.disabled)
        assert kept not in seen[0]
        assert after == before
        assert kept in logger.handlers
    finally:
        logger.removeHandler(kept)


def test_it_can_be_called_from_python(registry: Registry) -> None:
    """A failure is Django's own error, after the traceback was written."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        raise OSError("no db")
        yield

    _Checked.registry = registry
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError) as caught:
        call_command(_Checked(), "check", only=["db"], stdout=out, stderr=err)

    assert str(caught.value) == "1 of 1 failed: 'db'"
    assert out.getvalue().startswith("Starting 1 resource\n")
    assert "OSError: no db" in err.getvalue()


def _status(name: str, began: float, seconds: float, *needs: str) -> ResourceStatus:
    return ResourceStatus(
        name=name,
        phase="running",
        seconds=seconds,
        needs=needs,
        declared_at=Location("shop.py", 1, "shop"),
        error=None,
        began_after=began,
    )


def test_the_waterfall_is_drawn_to_scale() -> None:
    """In the columns that there are; a moment has a bar too, within the edge."""
    bars = waterfall(
        [
            _status("db", 0, 0.010),
            _status("größe", 0, 0.005),
            _status("api", 0.010, 0.030, "db", "größe"),
            _status("last", 0.040, 0, "db"),
        ]
    )

    drawn = [line for line, _ in bar_lines(bars, 60)]

    assert drawn == [
        f"  größe  {'░' * 5}{' ' * 35}   5.0 ms",
        f"  db     {'█' * 10}{' ' * 30}  10.0 ms *",
        f"  api    {' ' * 10}{'█' * 30}  30.0 ms *",
        f"  last   {' ' * 39}░   0.0 ms",
    ]


def test_a_long_name_leaves_room_for_the_bars() -> None:
    """In a terminal of few columns the bars are still ten columns wide."""
    bars = waterfall([_status("a" * 50, 0, 0.010), _status("書" * 20, 0, 0.020)])

    wide = [line for line, _ in bar_lines(bars, 60)]
    narrow = [line for line, _ in bar_lines(bars, 10)]

    assert wide == [
        f"  {'a' * 19}…  {'░' * 12}{' ' * 13}  10.0 ms",
        f"  {'書' * 9}…   {'█' * 25}  20.0 ms *",
    ]
    assert [line.count("█") for line in narrow] == [0, 10]


class Failing(StringIO):
    """An output that takes nothing of the db."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        if "'db'" in text:
            raise self.error
        return super().write(text)


def declare_db(registry: Registry, journal: list[str]) -> None:
    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "the db"
        journal.append("-db")


def test_what_closes_the_output_leaves_no_resource_open(
    registry: Registry, journal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The progress cannot be shown; the check goes on, and closes."""
    declare_db(registry, journal)
    _Checked.registry = registry
    call_command(_Checked(), "check", stdout=Failing(BrokenPipeError()))

    assert journal == ["+db", "-db"]
    assert capsys.readouterr().err == ""


def test_what_cannot_be_written_leaves_no_resource_open(
    registry: Registry, journal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does a screen that fails, of which it tells."""
    declare_db(registry, journal)
    _Checked.registry = registry
    call_command(_Checked(), "check", stdout=Failing(OSError("no space")))

    assert journal == ["+db", "-db"]
    assert "no space" in capsys.readouterr().err


def test_an_error_that_cannot_be_described_is_told(registry: Registry) -> None:
    """By its class; what is optional costs nothing."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            return str(self.args[9])

    @lifespan_resource("db", registry=registry, optional=True)
    async def db() -> str:
        raise Unspeakable

    _Checked.registry = registry
    out = StringIO()
    call_command(_Checked(), "check", stdout=out)

    assert "optional 'db' failed to start: Unspeakable" in out.getvalue()


def test_without_a_start_there_is_no_waterfall(registry: Registry) -> None:
    """Only what is optional, and it fails."""

    @lifespan_resource("db", registry=registry, optional=True)
    async def db() -> AsyncGenerator[str]:
        raise OSError("no db")
        yield

    _Checked.registry = registry
    out = StringIO()
    call_command(_Checked(), "check", stdout=out)

    assert unnumbered(out.getvalue()).splitlines() == [
        "Starting 1 resource",
        "  optional 'db' failed; going on without it",
        "  lifespan started 0 resources in N ms",
        "  lifespan stopped in N ms",
        "  optional 'db' failed to start: OSError: no db",
        "0 of 1 started and stopped as they should",
    ]


def test_nothing_registered_is_nothing_to_start() -> None:
    """With where resources are looked for, and no failure."""
    ran = lifespan("empty", "check")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "Nothing is registered."
    assert "Starting" not in ran.out


async def test_on_an_event_loop_it_says_what_to_write(registry: Registry) -> None:
    """What no resource is to blame for is raised as it is."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "the db"

    _Checked.registry = registry

    with pytest.raises(LifespanError) as caught:
        call_command(_Checked(), "check", stdout=StringIO())

    assert str(caught.value) == (
        "this code runs on an event loop, which a sync block would stop\n"
        "Write: async with Lifespan() as state:"
    )
