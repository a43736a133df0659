"""``lifespan check``: starts everything, makes the health checks, and shuts down."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, final

from django.core.management.base import CommandError, OutputWrapper
from django.core.management.color import Style

from .._runtime.lifespan import Lifespan
from .._runtime.startup_times import startup_times
from .._runtime.status import ResourceStatus
from .._text import error_text, printable, quoted
from ..commands import leaving_at_signals
from .output import Screen, log_shown, waterfall_lines

_INTERRUPTED: Final = 130  # the exit code that a shell reports after Ctrl-C

# A traceback is shown from the first frame that is in none of these.
_NOT_OF_THE_PROJECT: Final = (
    str(Path(__file__).parents[1]),
    str(Path(asyncio.__file__).parent),
    str(Path(concurrent.futures.__file__).parent),
    contextlib.__file__,
)


@final
class Check:
    """One check of *lifespan*; shows what the log says while it runs."""

    def __init__(
        self,
        lifespan: Lifespan,
        screen: Screen,
        stderr: OutputWrapper,
        style: Style,
        *,
        is_quiet: bool,
    ) -> None:
        self._lifespan = lifespan
        self._screen = screen
        self._stderr = stderr
        self._style = style
        self._is_quiet = is_quiet
        self._unhealthy: dict[str, BaseException] = {}

    def run(self) -> None:
        """
        Raise ``CommandError`` if anything failed, after showing its traceback; raise
        ``SystemExit`` after a signal, once everything has been shut down.
        """
        exit_code: int | None = None
        raised: Exception | None = None
        level = logging.WARNING if self._is_quiet else logging.INFO
        with log_shown(self._show, level), leaving_at_signals():
            try:
                with self._lifespan:
                    self._check_health()
                    self._show_waterfall()
            except KeyboardInterrupt:
                exit_code = _INTERRUPTED
            except SystemExit as error:  # SIGTERM
                exit_code = error.code if isinstance(error.code, int) else 1
            except Exception as error:
                raised = error
        failed = self._show_failures()
        if exit_code is not None:
            closed = "" if failed else ": all resources have been shut down"
            self._stderr.write(f"Interrupted{closed}")
            raise SystemExit(exit_code)
        statuses = self._lifespan.status()
        total = len(statuses)
        if failed:
            raise CommandError(f"{len(failed)} of {total} failed: {quoted(failed)}")
        if raised is not None:
            raise raised  # not the error of a resource
        well = sum(status.error is None for status in statuses)
        text = f"{well} of {total} started and shut down without errors"
        self._screen.line(text, self._style.SUCCESS)

    def _show(self, text: str, level: int) -> None:
        colour = self._style.WARNING if level >= logging.WARNING else None
        if level >= logging.ERROR:
            colour = self._style.ERROR
        for line in text.splitlines():
            self._screen.line(f"  {printable(line)}", colour)

    def _check_health(self) -> None:
        for health in self._lifespan.call(self._lifespan.health):
            # A resource that does not run is reported with its own error.
            if health.phase != "running" or health.seconds is None:
                continue
            if health.error is not None:
                self._unhealthy[health.name] = health.error
            elif not self._is_quiet:
                took = f"{health.seconds * 1000:.1f} ms"
                self._show(f"checked {health.name!r} in {took}", logging.INFO)

    def _show_waterfall(self) -> None:
        times = startup_times(self._lifespan.status())
        if self._is_quiet or not times:
            return
        self._screen.line()
        for line, is_critical in waterfall_lines(times, self._screen.width):
            self._screen.line(line, self._style.MIGRATE_LABEL if is_critical else None)
        self._screen.line("  * critical path, which determines the startup time")
        self._screen.line()

    def _show_failures(self) -> set[str]:
        """Show each error, and return the names that make the check fail."""
        failed: set[str] = set()
        for status, problem, error in self._problems():
            # The lifespan runs without an optional resource, but a resource that
            # failed to shut down may have left something open.
            if status.optional and problem != "failed to shut down":
                text = f"optional {status.name!r} {problem}: {_in_one_line(error)}"
                self._show(text, logging.WARNING)
            else:
                failed.add(status.name)
                self._show_traceback(f"{status.name!r} {problem}", error)
        return failed

    def _problems(self) -> Iterator[tuple[ResourceStatus, str, BaseException]]:
        statuses = self._lifespan.status()
        for status in statuses:
            if status.error is not None:
                yield status, _problem(status), status.error
        for status in statuses:
            if status.name in self._unhealthy:
                yield status, "is unhealthy", self._unhealthy[status.name]

    def _show_traceback(self, title: str, error: BaseException) -> None:
        for each in _chain(error):
            each.__traceback__ = _from_the_project(each.__traceback__)
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        self._stderr.write(f"\n{title}:\n{''.join(lines)}")


def _problem(status: ResourceStatus) -> str:
    if status.phase == "crashed":
        return "crashed"
    return "failed to start" if status.seconds is None else "failed to shut down"


def _in_one_line(error: BaseException) -> str:
    text = next(iter(error_text(error).splitlines()), "")
    return f"{type(error).__name__}: {text}".rstrip(": ")


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: dict[int, BaseException] = {}
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen[id(following)] = following
        following = following.__cause__ or following.__context__
    return seen.values()


def _from_the_project(frames: TracebackType | None) -> TracebackType | None:
    while frames and frames.tb_frame.f_code.co_filename.startswith(_NOT_OF_THE_PROJECT):
        frames = frames.tb_next
    return frames
