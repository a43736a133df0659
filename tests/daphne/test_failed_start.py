"""Under Daphne, a site whose resources do not start does not serve."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.processes import Gates, Process, client, is_refused

from .site import AUTORELOADED, JOURNALED, in_one_process, port_of, save, serving

FAILURE = "the lifespan failed to start"


def declared(site: Path, marker: str) -> str:
    """The line of ``lifespan.py`` that has *marker*, as error messages draw it."""
    text = (site / "mysite" / "lifespan.py").read_text("utf-8")
    ((number, line),) = (
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if marker in line
    )
    return f"    mysite/lifespan.py:{number}  {line.strip()}"


def printed(process: Process) -> list[str]:
    """What follows the announcement of the failure, the frames left out."""
    start = next(n for n, line in enumerate(process.lines) if line.endswith(FAILURE))
    below = process.lines[start + 1 :]
    return [line for line in below if line and not line.startswith("  File ")]


@in_one_process
def test_the_traceback_names_the_resource(command: tuple[str, ...], site: Path) -> None:
    """What had started is closed, and the exit code is that of other servers."""
    with serving(command, site, FAIL="1") as process:
        code = process.wait()

        assert code == 3
        assert process.events == ["+db", "-db"]
        lines = printed(process)
        assert lines[0] == "Traceback (most recent call last):"
        at = lines.index("RuntimeError: no way to the shop")
        assert lines[at + 1 : at + 3] == [
            "while starting lifespan resource 'shop'",
            declared(site, '@lifespan_resource("shop"'),
        ]
        assert process.output.count("Traceback") == 1


@in_one_process
def test_a_start_that_hangs_fails(command: tuple[str, ...], site: Path) -> None:
    """Its time limit ends it, and the error says where to set the limit."""
    with (
        Gates("start") as gates,
        serving(
            command, site, LIFESPAN='{"START_TIMEOUT": 0.05}', **gates.variables
        ) as process,
    ):
        code = process.wait()

        assert code == 3
        assert process.events == ["+db", "shop is cancelled", "-db"]
        said = "\n".join(
            [
                (
                    "django_lifespan_typed.exceptions.StartupTimeout: "
                    "lifespan resource 'shop' did not start within 0.05 s"
                ),
                declared(site, '@lifespan_resource("shop"'),
                (
                    "To allow it more time, set start_timeout= (seconds) "
                    'or LIFESPAN["START_TIMEOUT"].'
                ),
            ]
        )
        assert said in process.output


@in_one_process
def test_who_has_waited_is_not_served(command: tuple[str, ...], site: Path) -> None:
    """A request that came early is refused with 503, or its connection is closed."""
    with (
        Gates("start") as gates,
        serving(
            command, site, module=JOURNALED, FAIL="1", **gates.variables
        ) as process,
        client(port := port_of(process)) as browser,
        ThreadPoolExecutor() as threads,
    ):
        gates.wait_for("start")
        answer = threads.submit(browser.get, "/async")
        process.until_event("http arrives")

        gates.open("start")

        assert process.wait() == 3
        assert is_refused(port)
        problem = answer.exception()
        if problem is None:
            assert answer.result().status_code == 503
        else:
            assert isinstance(problem, httpx.TransportError)


def test_under_the_autoreloader_it_keeps_watching_and_recovers(site: Path) -> None:
    """Nobody is served meanwhile; when the code is mended, it starts afresh."""
    lifespan = site / "mysite" / "lifespan.py"
    mended = lifespan.read_text("utf-8")
    lifespan.write_text(mended.replace('"FAIL" in os.environ', "True"), "utf-8")
    with serving(AUTORELOADED, site) as process:
        port = port_of(process)
        process.until("^RuntimeError: no way to the shop$")
        process.until_event("-db")
        process.until("^Killed 0 pending application instances$")
        assert process.alive

        save(process, lifespan, mended)

        with client(port_of(process, nth=2)) as browser:
            assert browser.get("/async").json()["state"] == "open"
        assert is_refused(port)
        assert process.events == ["+db", "-db", "+db", "+shop"]
        assert process.output.count("Traceback") == 1


def test_a_broken_plan_is_said_too(site: Path) -> None:
    """Nothing is started where the resources cannot be put in order."""
    lifespan = site / "mysite" / "lifespan.py"
    text = lifespan.read_text("utf-8")
    lost = 'lifespan_resource("shop", needs=(StateKey[Open]("dbs"),))'
    lifespan.write_text(
        text.replace('lifespan_resource("shop", needs=(db,))', lost).replace(
            "import lifespan_resource", "import StateKey, lifespan_resource"
        ),
        "utf-8",
    )
    with serving(("-m", "daphne", "-p", "0", "{application}"), site) as process:
        code = process.wait()

        assert code == 3
        assert process.events == []
        said = "\n".join(
            [
                (
                    "django_lifespan_typed.exceptions.MissingDependency: "
                    "lifespan resource 'shop' depends on 'dbs', which is not registered"
                ),
                declared(site, lost),
                (
                    "Did you mean 'db'? Register it, or remove it from needs=. "
                    "Registered: 'db', 'shop'."
                ),
            ]
        )
        assert said in process.output


@pytest.mark.parametrize("path", ["async", "sync"])
def test_a_lazy_start_that_fails_refuses(path: str, site: Path) -> None:
    """Under a server that goes on, every request is answered with 503."""
    uvicorn = (
        *("-m", "uvicorn", "--port", "0", "--lifespan", "off"),
        "{application}",
    )
    with serving(uvicorn, site, FAIL="1") as process:
        port = process.until(r"Uvicorn running on http://127.0.0.1:(\d+)")
        with client(port) as browser:
            codes = [browser.get(f"/{path}").status_code for _ in range(2)]

        assert codes == [503, 503]
        assert process.events == ["+db", "-db"]
