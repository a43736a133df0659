"""uvicorn, as a real process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.asgi.places import drawn

from .harness import Gate, Running, Server, run


def _uvicorn(*options: str) -> Callable[[str, str], list[str]]:
    def command(application: str, port: str) -> list[str]:
        bind = ("--host", "127.0.0.1", "--port", port)
        return ["-m", "uvicorn", application, *bind, *options]

    return command


# Not imported here: it would register, and connect its receivers, in this process.
RESOURCES = str(Path(__file__).parent / "project" / "resources.py")

SERVES = r"Uvicorn running on"
AUTO = Server("uvicorn", _uvicorn(), SERVES)
ON = Server("uvicorn --lifespan on", _uvicorn("--lifespan", "on"), SERVES)
OFF = Server("uvicorn --lifespan off", _uvicorn("--lifespan", "off"), SERVES)

STARTED = ["+pool", "+repository", "+lock", "asgi_startup, pool is open"]
STOPPED = [
    "asgi_shutdown, pool is open",
    "-lock",
    "stopping repository",
    "-repository",
    "-pool",
]

FOUND = {
    "get_state": True,
    "get_state of a need": True,
    "request.state": True,
    "current_state": True,
    "names": ["lock", "pool", "repository"],
}

WARNING = (
    "WARNING django_lifespan_typed: the server sent no lifespan: resources start at "
    "the first request, and it depends on the server whether they are closed. To mend "
    "it, run uvicorn with --lifespan on, and let asgi.py pass scopes of type "
    '"lifespan" on to the application.'
)

Start = Callable[..., Running]

SIGNALS = [
    pytest.param(signal.SIGTERM, id="SIGTERM"),
    pytest.param(signal.SIGINT, id="SIGINT"),
]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    """Start a server that is reaped when the test ends."""
    with ExitStack() as stack:

        def starting(server: Server, **variables: Any) -> Running:
            journal = tmp_path / "journal"
            return stack.enter_context(run(server, journal, **variables))

        yield starting


@pytest.fixture
def gate() -> Generator[Gate]:
    """A gate that is open when the test ends."""
    with Gate() as gate:
        yield gate


# --- With a lifespan


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "server", [pytest.param(AUTO, id="auto"), pytest.param(ON, id="on")]
)
def test_everything_happens_in_order(
    start: Start, server: Server, number: signal.Signals
) -> None:
    """Started before it serves, closed after it has served, on either signal."""
    running = start(server)
    running.serves()
    before_any_request = running.journal
    answer = running.get("/async")
    running.process.send(number)
    code = running.process.wait()

    assert before_any_request == STARTED
    assert answer.status_code == 200
    assert running.journal == STARTED + STOPPED
    # It sends itself what it was sent, and takes a Ctrl-C for a good end.
    assert code == (-number if number == signal.SIGTERM else 0)
    assert WARNING not in running.process.lines


@pytest.mark.parametrize("path", ["/async", "/sync", "/to-sync"])
def test_every_view_finds_the_values(start: Start, path: str) -> None:
    """In async views, sync views, and what those run on the loop."""
    running = start(AUTO)
    running.serves()
    answers = [running.get(path).json() for _ in range(2)]

    for answer in answers:
        assert answer.pop("pid") == running.process.pid
        assert answer == FOUND


def test_nothing_is_served_before_the_start_is_complete(
    start: Start, gate: Gate
) -> None:
    """uvicorn does not even listen: no request can come too early."""
    running = start(AUTO, GATE_START=gate)

    gate.wait()
    refused = running.refuses_connections()
    at_the_gate = running.journal
    gate.open()
    running.serves()
    answer = running.get("/async")

    assert refused
    assert at_the_gate == ["+pool", "+repository"]
    assert answer.status_code == 200
    assert running.journal == STARTED


@pytest.mark.parametrize(
    "server", [pytest.param(AUTO, id="auto"), pytest.param(ON, id="on")]
)
def test_a_failed_start_exits_and_names_the_resource(
    start: Start, server: Server
) -> None:
    """Exit code 3, the traceback, the resource, where it was declared; all closed."""
    running = start(server, FAIL="start")
    code = running.process.wait()

    place = drawn(RESOURCES, "# the repository")
    named = running.process.lines.index(
        "ERROR:    while starting lifespan resource 'repository'"
    )
    assert code == 3
    assert running.process.lines[named + 1] == place
    assert running.process.lines[named + 2] == "Traceback (most recent call last):"
    assert "OSError: no route to the repository" in running.process.lines
    assert "Uvicorn running on" not in running.process.output
    assert running.journal == ["+pool", "+repository", "-pool"]


def test_a_failed_stop_is_printed_and_keeps_nothing_open(start: Start) -> None:
    """The others are closed; the traceback names who was not."""
    running = start(AUTO, FAIL="stop")
    running.serves()
    running.process.send(signal.SIGTERM)
    running.process.wait()

    assert running.journal == STARTED + [
        event for event in STOPPED if event != "-repository"
    ]
    assert (
        "ERROR:    while stopping lifespan resource 'repository'"
        in running.process.lines
    )
    assert "OSError: the repository was lost" in running.process.lines


def test_a_stop_that_hangs_is_cut_off(start: Start, gate: Gate) -> None:
    """Nobody comes to the gate: its limit ends it, and the pool is closed."""
    running = start(AUTO, GATE_STOP=gate, REPOSITORY_STOP_TIMEOUT="0.05")
    running.serves()
    running.process.send(signal.SIGTERM)
    gate.wait()
    running.process.wait()

    assert running.journal == STARTED + [
        event for event in STOPPED if event != "-repository"
    ]
    assert (
        "lifespan resource 'repository' did not stop within 0.05 s"
        in running.process.output
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_request_in_flight_ends_before_resources_close(
    start: Start, gate: Gate, number: signal.Signals
) -> None:
    """Who was let in is served, with everything open."""
    running = start(AUTO, GATE_REQUEST=gate)
    running.serves()

    with running.asking("/slow") as answers:
        gate.wait()
        running.process.send(number)
        running.process.until("Waiting for connections to close")
        while_in_flight = running.journal
        gate.open()
    running.process.wait()

    assert while_in_flight == [*STARTED, "+request"]
    assert [answer.json() for answer in answers] == [{"open": True}]
    assert running.journal == [
        *STARTED,
        "+request",
        "-request, pool is open",
        *STOPPED,
    ]


def test_a_second_ctrl_c_still_closes(start: Start, gate: Gate) -> None:
    """uvicorn then skips the shutdown, and cancels: that is a shutdown too."""
    running = start(AUTO, GATE_REQUEST=gate)
    running.serves()

    with running.connected() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        gate.wait()
        running.process.send(signal.SIGINT)
        running.process.until("Waiting for connections to close")
        running.process.send(signal.SIGINT)
    # Since Python 3.12 even then uvicorn waits for the client to leave.
    running.process.wait()

    assert "Waiting for application shutdown" not in running.process.output
    assert running.journal == [*STARTED, "+request", *STOPPED]


def test_a_stop_during_the_start_closes_what_is_open(start: Start, gate: Gate) -> None:
    """uvicorn waits for the start, then stops at once."""
    running = start(AUTO, GATE_START=gate)

    gate.wait()
    running.process.send(signal.SIGTERM)
    gate.open()
    running.process.wait()

    assert running.journal == STARTED + STOPPED


# --- Without one


@pytest.mark.parametrize("path", ["/async", "/sync", "/to-sync"])
def test_without_a_lifespan_the_first_request_starts_it(
    start: Start, path: str
) -> None:
    """Every view finds the values; one warning says what to change."""
    running = start(OFF)
    running.serves()
    before_any_request = running.journal
    answers = [running.get(path).json() for _ in range(2)]
    running.process.send(signal.SIGINT)
    running.process.wait()

    assert before_any_request == []
    for answer in answers:
        assert answer.pop("pid") == running.process.pid
        assert answer == FOUND
    assert running.process.lines.count(WARNING) == 1
    assert running.journal == STARTED + STOPPED


def test_without_a_lifespan_first_requests_are_held(start: Start, gate: Gate) -> None:
    """Nobody is served before the start is complete, nor turned away."""
    running = start(OFF, GATE_START=gate)
    running.serves()

    with running.asking("/async") as first, running.asking("/sync") as second:
        gate.wait()
        at_the_gate = running.journal
        gate.open()

    assert at_the_gate == ["+pool", "+repository"]
    assert [answer.status_code for answer in [*first, *second]] == [200, 200]
    assert running.journal == STARTED


def test_without_a_lifespan_sigterm_closes_nothing(start: Start) -> None:
    """uvicorn's limit: it ends itself by the signal, and has no hook for us."""
    running = start(OFF)
    running.serves()
    running.get("/async")
    running.process.send(signal.SIGTERM)
    code = running.process.wait()

    assert code == -signal.SIGTERM
    assert running.process.lines.count(WARNING) == 1
    assert running.journal == STARTED


def test_without_a_lifespan_a_failed_start_refuses(start: Start) -> None:
    """503 for everybody, and one traceback that names the resource."""
    running = start(OFF, FAIL="start")
    running.serves()
    answers = [running.get("/async") for _ in range(2)]
    running.process.send(signal.SIGINT)
    running.process.wait()

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].headers["retry-after"] == "10"
    assert running.journal == ["+pool", "+repository", "-pool"]
    failed = "ERROR django_lifespan_typed: the lifespan failed to start"
    assert running.process.lines.count(failed) == 1
    assert "OSError: no route to the repository" in running.process.lines


def test_without_a_lifespan_and_without_requests_nothing_happens(start: Start) -> None:
    """Nothing is opened, and nothing warned of."""
    running = start(OFF)
    running.serves()
    running.process.send(signal.SIGINT)
    running.process.wait()

    assert running.journal == []
    assert WARNING not in running.process.lines
