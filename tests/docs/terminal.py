"""A terminal that types the commands of a page, and compares their output."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path
from typing import Final, final
from urllib import request

from tests.processes import Process, running

SERVICE_PORT: Final = "8001"
"""The port of the service on the pages."""

_SHELL: Final = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"
_SERVES: Final = r"(?:running on http://127\.0\.0\.1:|Serving HTTP on \S+ port )(\d+)"
# The lines of Python's http.server begin so, and only it prints this at Ctrl-C.
_REQUEST_OF_SERVICE: Final = "127.0.0.1 - - "
_END_OF_SERVICE: Final = "Keyboard interrupt received"
_PROMPT: Final = "$ "
_INTERRUPT: Final = "^C"

# Text that differs from one run to the next, and its replacement.
_VARYING: Final = [
    (r"\[\d+\]", "[PID]"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r" port \d+", " port PORT"),
    (r"\[\d\d/\w+/\d+ [\d:]+\]", "[TIME]"),
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
    """Each command with its output; without a command, what servers have printed."""
    command, shown = "", list[str]()
    for line in body.splitlines():
        if line.startswith(_PROMPT) or line == _INTERRUPT:
            if command or shown:
                yield command, "\n".join(shown)
            command, shown = line.removeprefix(_PROMPT), []
        else:
            shown.append(line)
    yield command, "\n".join(shown)


@final
class Server:
    """A server in a terminal of its own, and how much of its output was compared."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._compared = 0
        self.port = process.until(_SERVES)

    def output(self, lines: int) -> str:
        """Return what it has printed since, at least so many *lines*."""
        self._process.until("", nth=self._compared + lines)
        return self._new()

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code, and what it has printed since."""
        return self._process.end(signal.SIGINT), self._new()

    def _new(self) -> str:
        new = self._process.lines[self._compared :]
        self._compared += len(new)
        return "\n".join(new)


@final
class Terminal:
    """
    Runs the commands of a page one by one, with the ports of the running servers.

    ``pip install`` only checks that each package is installed. The site and the service
    that it uses each have a terminal of their own.
    """

    def __init__(
        self,
        folder: Path,
        variables: dict[str, str | None],
        service_port: str = SERVICE_PORT,
    ) -> None:
        self._folder = folder
        self._variables = variables
        self._service_port = service_port
        self._open = ExitStack()
        self._site: Server | None = None
        self._service: Server | None = None
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
            else:
                assert_shown(shown, self._printed(command, shown), where)

    def _printed(self, command: str, shown: str) -> str:
        if not command:
            of_service = shown.startswith(_REQUEST_OF_SERVICE)
            server = self._service if of_service else self._site
            assert server is not None, f"no server runs that prints {shown!r}"
            return server.output(len(shown.splitlines()))
        if command == _INTERRUPT:
            return self.interrupt(service=_END_OF_SERVICE in shown)
        if re.search(_SERVES, shown):
            return self._serve(command)
        return self._run(command)

    def _run(self, command: str) -> str:
        if self._site is not None:
            command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self._site.port}")
        # Each command has a shell of its own: pass on the last exit code.
        command = f"(exit {self._code}); {command}"
        with running(
            "-c", _SHELL, command, folder=self._folder, **self._variables
        ) as process:
            self._code = process.wait()
            return process.output

    def _serve(self, command: str) -> str:
        is_service = "http.server" in command
        command = command.replace(SERVICE_PORT, self._service_port)
        process = self._open.enter_context(
            running(
                *("-c", _SHELL, f"exec {command}"),
                folder=self._folder,
                **self._variables,
            )
        )
        server = Server(process)
        shown = server.output(1)
        if is_service:
            self._service = server
            # It has printed that line before it handles Ctrl-C.
            request.urlopen(f"http://127.0.0.1:{server.port}").close()
            server.output(1)
        else:
            self._site = server
        return shown

    def interrupt(self, *, service: bool = False) -> str:
        """Press Ctrl-C where the site runs, or the *service*; return the new output."""
        server = self._service if service else self._site
        assert server is not None
        if service:
            self._service = None
            return server.end()[1]
        self._site = None
        self._code, printed = server.end()
        return printed
