"""A terminal that types the commands of a page, and compares their output."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path
from typing import Final, final

from tests.processes import Process, running

_SHELL: Final = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"
_SERVES: Final = r"running on http://127\.0\.0\.1:(\d+)"
_PROMPT: Final = "$ "
_INTERRUPT: Final = "^C"

# Text that differs from one run to the next, and its replacement.
_VARYING: Final = [
    (r"\[\d+\]", "[PID]"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r'"time": "[^"]+"', '"time": TIME'),
    (r'"observedValue": [\d.]+', '"observedValue": NUMBER'),
    (r"\d+(\.\d+)? ?(ms|s)\b", "SECONDS"),
    (r"[█░]+", "█"),
    (r"[ \t]+", " "),
]


def _comparable(output: str) -> str:
    for pattern, name in _VARYING:
        output = re.sub(pattern, name, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


def assert_shown(shown: str, printed: str, where: object) -> None:
    """Compare *printed* with the page, where a line ``...`` stands for any lines."""
    expected, actual = _comparable(shown), _comparable(printed)
    parts = [
        re.escape(part) for part in re.split(r"^\.\.\.$", expected, flags=re.MULTILINE)
    ]
    assert re.fullmatch(".*?".join(parts), actual, re.DOTALL), (
        f"{where} shows\n{expected}\n\nand this was printed:\n{actual}"
    )


def _commands(body: str) -> Iterator[tuple[str, str]]:
    command, shown = "", list[str]()
    for line in body.splitlines():
        if line.startswith(_PROMPT) or line == _INTERRUPT:
            if command:
                yield command, "\n".join(shown)
            command, shown = line.removeprefix(_PROMPT), []
        else:
            assert command, f"output without a command: {line}"
            shown.append(line)
    yield command, "\n".join(shown)


@final
class Terminal:
    """
    Runs the commands of a page one by one, with the port of the running server.

    ``pip install`` only checks that each package is installed.
    """

    def __init__(self, folder: Path, variables: dict[str, str | None]) -> None:
        self._folder = folder
        self._variables = variables
        self._open = ExitStack()
        self._server: Process | None = None
        self._seen = 0
        self._code = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def type(self, body: str, where: object) -> None:
        """Run the commands of a block, and compare their output with the page."""
        for command, shown in _commands(body):
            if command.startswith("pip install "):
                for name in command.split()[2:]:
                    assert distribution(name).version
            elif command == _INTERRUPT:
                assert_shown(shown, self.interrupt(), where)
            elif re.search(_SERVES, shown):
                assert_shown(shown, self._serve(command), where)
            else:
                assert_shown(shown, self._run(command), where)

    def _run(self, command: str) -> str:
        if self._server is not None:
            (port,) = self._server.found(_SERVES)
            command = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        # Each command has a shell of its own: pass on the last exit code.
        command = f"(exit {self._code}); {command}"
        with running(
            "-c", _SHELL, command, folder=self._folder, **self._variables
        ) as process:
            self._code = process.wait()
            return process.output

    def _serve(self, command: str) -> str:
        self.interrupt()
        self._server = self._open.enter_context(
            running(
                *("-c", _SHELL, f"exec {command}"),
                folder=self._folder,
                **self._variables,
            )
        )
        self._server.until(_SERVES)
        self._seen = len(self._server.lines)
        return self._server.output

    def interrupt(self) -> str:
        """Press Ctrl-C if a server runs; return the output since it served."""
        if self._server is None:
            return ""
        server, self._server = self._server, None
        self._code = server.end(signal.SIGINT)
        return "\n".join(server.lines[self._seen :])
