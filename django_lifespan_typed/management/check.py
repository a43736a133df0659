"""``lifespan check``: starts everything, asks for its health, and stops it."""

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

from django_lifespan_typed._runtime.health import ResourceHealth
from django_lifespan_typed._runtime.lifespan import Lifespan
from django_lifespan_typed._runtime.startup_times import waterfall
from django_lifespan_typed._runtime.status import ResourceStatus
from django_lifespan_typed._text import error_text, quoted
from django_lifespan_typed.commands import leaving_at_signals
from django_lifespan_typed.management.graph import printable

from .bars import bar_lines
from .progress import progress
from .screen import Screen

_INTERRUPTED: Final = 130  # as a shell reports a process that Ctrl-C ended

# What an error comes through before it reaches the code that a user wrote.
_OURS: Final = (
    str(Path(__file__).parents[1]),
    str(Path(asyncio.__file__).parent),
    str(Path(concurrent.futures.__file__).parent),
    contextlib.__file__,
)


@final
class Check:
    """One check of *lifespan*, shown while it goes on."""

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
        self._ill: dict[str, BaseException] = {}

    def run(self) -> None:
        """
        Raises ``CommandError`` where anything failed, after its traceback was shown,
        and ``SystemExit`` where a signal ended it, after all was closed.
        """
        level = logging.WARNING if self._is_quiet else logging.INFO
        ended: int | None = None
        raised: Exception | None = None
        with progress(self._show, level), leaving_at_signals():
            try:
                with self._lifespan:
                    self._look_at_what_runs()
            except KeyboardInterrupt:
                ended = _INTERRUPTED
            except SystemExit as end:  # SIGTERM; a resource's own is an error
                ended = end.code if isinstance(end.code, int) else 1
            except Exception as error:  # told below, by resource
                raised = error
        failed = self._failures(self._lifespan.status())
        if ended is not None:
            closed = "" if failed else ": everything that was open has been closed"
            self._stderr.write(f"Interrupted{closed}")
            raise SystemExit(ended)
        if failed:
            names = f"{len(failed)} of {len(self._lifespan.status())}"
            raise CommandError(f"{names} failed: {quoted(failed)}")
        if raised is not None:
            raise raised
        self._say_well()

    def _show(self, text: str, level: int) -> None:
        style = self._style
        if level >= logging.ERROR:
            colour = style.ERROR
        elif level >= logging.WARNING:
            colour = style.WARNING
        else:
            colour = None
        for line in text.splitlines():
            self._screen.line(f"  {printable(line)}", colour)

    def _look_at_what_runs(self) -> None:
        for health in self._lifespan.call(self._lifespan.health):
            # What does not run is told as what it is.
            if health.phase == "running" and health.seconds is not None:
                self._show_health(health, health.seconds)
        if not self._is_quiet:
            self._show_waterfall(self._lifespan.status())

    def _show_health(self, health: ResourceHealth, seconds: float) -> None:
        took = f"in {seconds * 1000:.1f} ms"
        if health.error is None:
            if not self._is_quiet:
                self._show(f"healthy {health.name!r} {took}", logging.INFO)
        elif health.optional:
            text = f"unhealthy, optional {health.name!r} {took}: {_told(health.error)}"
            self._show(text, logging.WARNING)
        else:
            self._show(f"unhealthy {health.name!r} {took}", logging.ERROR)
            self._ill[health.name] = health.error

    def _show_waterfall(self, statuses: Iterable[ResourceStatus]) -> None:
        bars = waterfall(statuses)
        if not bars:
            return
        self._screen.line()
        for line, is_critical in bar_lines(bars, self._screen.width):
            self._screen.line(line, self._style.MIGRATE_LABEL if is_critical else None)
        self._screen.line("  * critical path: a faster one makes the start faster")
        self._screen.line()

    def _failures(self, statuses: Iterable[ResourceStatus]) -> set[str]:
        """The names of those that failed, each shown with its traceback."""
        failed: set[str] = set()
        for status in statuses:
            how = _how(status)
            if status.error is None:
                continue
            # A lifespan goes on without an optional one; a stop is another matter.
            if status.optional and how != "failed to stop":
                text = f"optional {status.name!r} {how}: {_told(status.error)}"
                self._show(text, logging.WARNING)
                continue
            failed.add(status.name)
            self._show_traceback(f"{status.name!r} {how}", status.error)
        for name, error in self._ill.items():
            failed.add(name)
            self._show_traceback(f"{name!r} is unhealthy", error)
        return failed

    def _show_traceback(self, title: str, error: BaseException) -> None:
        for each in _chain(error):
            each.__traceback__ = _from_the_user(each.__traceback__)
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        self._stderr.write(f"\n{title}:\n{''.join(lines)}")

    def _say_well(self) -> None:
        statuses = self._lifespan.status()
        well = [status for status in statuses if status.error is None]
        text = f"{len(well)} of {len(statuses)} started and stopped as they should"
        self._screen.line(text, self._style.SUCCESS)


def _how(status: ResourceStatus) -> str:
    if status.phase == "crashed":
        return "crashed"
    return "failed to start" if status.seconds is None else "failed to stop"


def _told(error: BaseException) -> str:
    text = next(iter(error_text(error).splitlines()), "")
    return f"{type(error).__name__}: {text}".rstrip(": ")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    ahead: BaseException | None = error
    while ahead is not None and id(ahead) not in seen:
        seen.add(id(ahead))
        yield ahead
        ahead = ahead.__cause__ or ahead.__context__


def _from_the_user(frames: TracebackType | None) -> TracebackType | None:
    # From the first line on that is not ours, which is where the reader begins.
    while frames is not None:
        if not frames.tb_frame.f_code.co_filename.startswith(_OURS):
            break
        frames = frames.tb_next
    return frames
