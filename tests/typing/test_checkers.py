"""The four type checkers flag exactly the marked lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.checkers, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
POSITIVE = Path(__file__).with_name("positive.py")
NEGATIVE = Path(__file__).with_name("negative.py")
MARK = "# E"
# Not resolved, because the link leads to the environment. Checkers that are not given
# it look for another one.
PYTHON = sys.executable

# The file, the line (from 1) and the message.
Diagnostic = tuple[str, int, str]


def mypy(output: str) -> Iterator[Diagnostic]:
    """Read one JSON object from each line."""
    for found in map(json.loads, output.splitlines()):
        if found["severity"] == "error":
            yield found["file"], found["line"], found["message"]


def pyright(output: str) -> Iterator[Diagnostic]:
    """Read JSON, in which lines are counted from 0."""
    for found in json.loads(output)["generalDiagnostics"]:
        if found["severity"] == "error":
            line = found["range"]["start"]["line"] + 1
            yield found["file"], line, found["message"]


def ty(output: str) -> Iterator[Diagnostic]:
    """Read GitLab's code quality format."""
    for found in json.loads(output):
        if found["severity"] in {"major", "critical", "blocker"}:
            place = found["location"]
            line = place["positions"]["begin"]["line"]
            yield place["path"], line, found["description"]


def pyrefly(output: str) -> Iterator[Diagnostic]:
    """Read one JSON object with all errors."""
    for found in json.loads(output)["errors"]:
        if found.get("severity", "error") == "error":
            yield found["path"], found["line"], found["description"]


Parse = Callable[[str], Iterator[Diagnostic]]
CHECKERS: list[tuple[list[str], Parse]] = [
    (["mypy", "--output=json", "--no-error-summary"], mypy),
    (["pyright", "--outputjson", f"--pythonpath={PYTHON}"], pyright),
    (["ty", "check", "--output-format=gitlab", f"--python={PYTHON}"], ty),
    (
        [
            "pyrefly",
            "check",
            "--output-format=json",
            f"--python-interpreter-path={PYTHON}",
        ],
        pyrefly,
    ),
]


@pytest.fixture(scope="module", params=CHECKERS, ids=lambda checker: checker[0][0])
def diagnostics(request: pytest.FixtureRequest) -> dict[Path, dict[int, list[str]]]:
    """Return the messages of one checker, by file and line."""
    (program, *arguments), parse = request.param
    command = Path(PYTHON).with_name(program)
    if not command.exists():
        pytest.fail(f"{program} is not installed. Run: make check")
    ran = subprocess.run(
        [command, *arguments, POSITIVE, NEGATIVE],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=_environment(),
        text=True,
    )
    found: dict[Path, dict[int, list[str]]] = {POSITIVE: {}, NEGATIVE: {}}
    try:
        for file, line, said in parse(ran.stdout):
            of_file = found.setdefault(ROOT / file, {})
            of_file.setdefault(line, []).append(said)
    except (ValueError, LookupError) as error:
        pytest.fail(
            f"{program} ended with {ran.returncode}, and its output cannot be read "
            f"({error!r}):\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
        )
    return found


def _environment() -> dict[str, Any]:
    # These slow the checkers down, or colour their output.
    ours = {"PYTHONDEVMODE", "PYTHONWARNINGS", "FORCE_COLOR", "MYPY_FORCE_COLOR"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def test_correct_code_is_accepted(
    diagnostics: dict[Path, dict[int, list[str]]],
) -> None:
    flagged = diagnostics[POSITIVE]

    assert not flagged, _drawn(POSITIVE, flagged, "flagged, but correct:")


def test_exactly_the_marked_lines_are_flagged(
    diagnostics: dict[Path, dict[int, list[str]]],
) -> None:
    flagged = diagnostics[NEGATIVE]
    marked = {
        number
        for number, line in enumerate(NEGATIVE.read_text("utf-8").splitlines(), 1)
        if line.endswith(MARK)
    }

    missed = {line: ["no message"] for line in marked - flagged.keys()}
    surplus = {line: flagged[line] for line in flagged.keys() - marked}
    assert marked, "no line is marked"
    report = _drawn(NEGATIVE, missed, "marked, but not flagged:")
    report += _drawn(NEGATIVE, surplus, "flagged, but not marked:")
    assert not report, report


def test_the_package_itself_is_not_flagged(
    diagnostics: dict[Path, dict[int, list[str]]],
) -> None:
    others = {
        f"{path}:{line}": said
        for path, lines in diagnostics.items()
        if path not in {POSITIVE, NEGATIVE}
        for line, said in lines.items()
    }

    assert others == {}


def _drawn(path: Path, lines: dict[int, list[str]], headline: str) -> str:
    if not lines:
        return ""
    source = path.read_text("utf-8").splitlines()
    drawn = [f"\n{headline}"]
    for line, said in sorted(lines.items()):
        drawn.append(f"  {path.name}:{line}  {source[line - 1].strip()}")
        drawn += [f"      {first}" for first in (text.split("\n")[0] for text in said)]
    return "\n".join(drawn) + "\n"
