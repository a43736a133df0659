"""The four type checkers flag exactly the marked lines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, environment

pytestmark = [pytest.mark.checkers, pytest.mark.timeout(300)]

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
# Options for output that a program can read, and for the Python to look at.
OPTIONS: dict[str, tuple[Parse, list[str]]] = {
    "mypy": (mypy, ["--output=json", "--no-error-summary", "--python-executable"]),
    "pyright": (pyright, ["--outputjson", "--pythonpath"]),
    "ty": (ty, ["--output-format=gitlab", "--python"]),
    "pyrefly": (pyrefly, ["--output-format=json", "--python-interpreter-path"]),
}
COMMANDS = (["mypy"], ["pyright"], ["ty", "check"], ["pyrefly", "check"])


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a checker without variables that slow it down or colour its output."""
    program, *arguments = command
    unset = ("PYTHONDEVMODE", "PYTHONPATH", "PYTHONWARNINGS")
    coloured = ("FORCE_COLOR", "MYPY_FORCE_COLOR")
    return subprocess.run(
        [Path(PYTHON).with_name(program), *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment(**dict.fromkeys((*unset, *coloured))),
        text=True,
    )


@pytest.fixture(scope="module", params=COMMANDS, ids=lambda command: command[0])
def diagnostics(request: pytest.FixtureRequest) -> dict[Path, dict[int, list[str]]]:
    """Return the messages of one checker, by file and line."""
    command: list[str] = request.param
    parse, options = OPTIONS[command[0]]
    ran = run(ROOT, *command, *options, PYTHON, str(POSITIVE), str(NEGATIVE))
    found: dict[Path, dict[int, list[str]]] = {POSITIVE: {}, NEGATIVE: {}}
    try:
        for file, line, said in parse(ran.stdout):
            of_file = found.setdefault(ROOT / file, {})
            of_file.setdefault(line, []).append(said)
    except (ValueError, LookupError) as error:
        pytest.fail(
            f"{command[0]} ended with {ran.returncode}, and its output cannot be read "
            f"({error!r}):\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
        )
    return found


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


def _drawn(path: Path, lines: dict[int, list[str]], headline: str) -> str:
    if not lines:
        return ""
    source = path.read_text("utf-8").splitlines()
    drawn = [f"\n{headline}"]
    for line, said in sorted(lines.items()):
        drawn.append(f"  {path.name}:{line}  {source[line - 1].strip()}")
        drawn += [f"      {first}" for first in (text.split("\n")[0] for text in said)]
    return "\n".join(drawn) + "\n"
