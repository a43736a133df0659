"""What each library does, seen by running it: the table of comparison.md."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from .libraries import LIBRARIES, Run
from .probes import Probe


async def failed_start(run: Run) -> str:
    """Two resources have opened, a third cannot: what becomes of the two."""
    journal: list[str] = []
    probes = [
        Probe("a", journal),
        Probe("b", journal),
        Probe("c", journal, opens=False),
    ]

    error = await run(probes)

    assert error is not None
    # What was cancelled before it had opened has nothing to close.
    left = sorted(
        probe.name
        for probe in probes
        if probe.opened_in is not None and probe.closed_in is None
    )
    return "open" if left else "closed"


async def task(run: Run) -> str:
    """Whether a resource is closed in the task that opened it."""
    journal: list[str] = []
    probes = [Probe("a", journal), Probe("b", journal)]

    assert await run(probes) is None

    if any(probe.opened_in is not probe.closed_in for probe in probes):
        return "another than opened it"
    return (
        "its own"
        if probes[0].opened_in is not probes[1].opened_in
        else "the lifespan's"
    )


async def concurrency(run: Run) -> str:
    """Whether the second resource begins to open before the first has opened."""
    journal: list[str] = []

    assert await run([Probe("a", journal), Probe("b", journal)]) is None

    together = journal.index("b begins") < journal.index("+a")
    return "together" if together else "in turn"


async def failed_stop(run: Run) -> str:
    """Two of three resources fail to close: whether the third is, and what is said."""
    journal: list[str] = []
    probes = [
        Probe("a", journal),
        Probe("b", journal, closes=False),
        Probe("c", journal, closes=False),
    ]
    logger = logging.getLogger("svcs")
    logger.disabled, before = True, logger.disabled

    try:
        error = await run(probes)
    finally:
        logger.disabled = before

    assert journal.count("-a") == 1
    if error is None:
        return "both logged"
    # ExceptionGroup, dishka's ExitError, aiohttp's CleanupError.
    raised = getattr(error, "exceptions", [error])
    if len(raised) == 2:
        return "both raised"
    (one,) = raised
    assert isinstance(one.__context__, ConnectionResetError)
    return "one raised, one its context"


ROWS: Final[dict[str, Callable[[Run], Awaitable[str]]]] = {
    "after a failed start": failed_start,
    "closed in a task": task,
    "independent ones start": concurrency,
    "two fail to close": failed_stop,
}


async def table() -> str:
    """The table in Markdown, a row for each library."""
    lines = [f"| | {' | '.join(ROWS)} |", "| --- |" + " --- |" * len(ROWS)]
    for library, run in LIBRARIES.items():
        cells = [await observe(run) for observe in ROWS.values()]
        lines.append(f"| {library} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
