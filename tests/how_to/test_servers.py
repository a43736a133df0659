"""The pages about servers: Channels, Daphne, production, WSGI, mounted applications."""

from __future__ import annotations

import json
import re
import signal
from typing import Any, Final

import httpx
import pytest
import yaml
from websockets.sync.client import connect

from tests.daphne.site import save
from tests.processes import LIMIT, client, running
from tests.servers.servers import reserved_port

from .conftest import Site
from .pages import PROGRAMS, command, commands
from .sites import Served, serving

HELLO: Final = "Hello, {}! You are number {}.\n"


def end(served: Served, number: signal.Signals = signal.SIGTERM) -> None:
    """Stop it: what started has stopped, and nothing complains."""
    served.process.end(number)

    assert served.started, served.process.output
    assert sorted(served.stopped) == sorted(served.started), served.process.output
    assert served.wrong == [], served.process.output


# --- Channels


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_a_consumer_and_a_view_share_the_resource(server: str, site: Site) -> None:
    """They count together."""
    with serving("channels", server, site("channels")) as served:
        with client(served.port) as browser:
            page = browser.get("/").text
        address = f"ws://127.0.0.1:{served.port}/greetings"
        with connect(address, proxy=None, open_timeout=LIMIT) as socket:
            socket.send(json.dumps({"name": "Emma"}))
            answer = json.loads(socket.recv(LIMIT))

        assert page == HELLO.format("async", 1)
        assert answer == {"greeting": HELLO.format("Emma", 2)}
        end(served)


def test_the_tests_of_the_channels_page_pass(site: Site) -> None:
    """A communicator finds the lifespan of the test."""
    arguments = command("channels", "python manage.py")
    with running(*arguments, folder=site("channels")) as process:
        assert process.wait() == 0, process.output
        assert "Ran 1 test" in process.output


# --- Daphne, WSGI, production


def greets(served: Served) -> None:
    """Both views do, with the same resource of their process."""
    with client(served.port) as browser:
        answers = [browser.get(path) for path in ("/", "/sync", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert re.fullmatch(r"Hello, async! You are number \d\.\n", answers[0].text)
    assert re.fullmatch(r"Hello, sync! You are number \d\.\n", answers[1].text)


def test_daphne_starts_and_stops_resources(site: Site) -> None:
    """With Daphne's own command."""
    with serving("daphne", "daphne", site()) as served:
        greets(served)

        end(served)


def test_runserver_of_daphne_starts_and_stops_resources(site: Site) -> None:
    """Closed on SIGTERM without the autoreloader."""
    begins = "python manage.py runserver 8000 --noreload"
    with serving("daphne", begins, site("daphne")) as served:
        greets(served)

        end(served)
        assert "Starting ASGI/Daphne" in served.process.output


def test_runserver_of_daphne_reloads(site: Site) -> None:
    """A change of the code closes in full, and opens again."""
    folder = site("daphne")
    with serving("daphne", "python manage.py runserver 8000", folder) as served:
        greets(served)

        lifespan = folder / "mysite" / "lifespan.py"
        save(served.process, lifespan, lifespan.read_text("utf-8"))

        served.process.until(r"stopped 'greeter'")
        served.process.until(r"started 'greeter'", nth=2)


def test_gunicorn_serves_wsgi_with_resources(site: Site) -> None:
    """They start with the first request, and stop on SIGTERM."""
    with serving("wsgi", "gunicorn", site("wsgi")) as served:
        before = served.started
        greets(served)

        assert before == []
        end(served)


def test_runserver_serves_wsgi_with_resources(site: Site) -> None:
    """And stops them on Ctrl-C."""
    # It reports that Django's own server leaves its socket open.
    quiet = {"PYTHONDEVMODE": None}
    with serving("wsgi", "python manage.py", site("wsgi"), **quiet) as served:
        greets(served)

        end(served, signal.SIGINT)


WORKERS: Final = {"uvicorn": 1, "gunicorn": 2, "granian": 2, "hypercorn": 1}


@pytest.mark.parametrize("server", WORKERS)
def test_a_command_of_production_serves_and_stops_in_order(
    server: str, site: Site
) -> None:
    """Each worker has the resource, and closes it on SIGTERM."""
    with serving("production", server, site("production")) as served:
        greets(served)
        served.process.until("started 'greeter' in", nth=WORKERS[server])

        end(served)
        assert served.started == ["greeter"] * WORKERS[server]


@pytest.mark.parametrize("server", WORKERS)
def test_a_command_of_production_serves_nothing_after_a_failed_start(
    server: str, site: Site
) -> None:
    """It ends, and has said which resource failed."""
    folder = site("production")
    lifespan = folder / "mysite" / "lifespan.py"
    text = lifespan.read_text("utf-8")
    broken = text.replace(
        "yield Greeter()", 'raise OSError("no voice")\n    yield Greeter()'
    )
    lifespan.write_text(broken, "utf-8")
    arguments = command("production", server, port=reserved_port())

    with running(*arguments, folder=folder) as process:
        process.wait()

        assert "while starting lifespan resource 'greeter'" in process.output
        assert "OSError: no voice" in process.output


def test_the_check_for_deployment_finds_nothing_of_ours(site: Site) -> None:
    """Django has more to say of a project that was started a minute ago."""
    arguments = command("production", "python manage.py check")
    with running(*arguments, folder=site("production")) as process:
        process.wait()

        assert "security.W018" in process.output
        assert "lifespan." not in process.output


def test_every_resource_starts_and_stops_before_it_serves(site: Site) -> None:
    """By the command of the page."""
    arguments = command("production", "python manage.py lifespan")
    with running(*arguments, folder=site("production")) as process:
        assert process.wait() == 0, process.output
        assert process.found("started '(.*)' in") == ["greeter"]
        assert process.found("stopped '(.*)' in") == ["greeter"]


def option(line: str, name: str) -> int:
    """The number after an option."""
    parts = line.split()
    return int(parts[parts.index(name) + 1])


def test_the_limits_of_production_fit_into_each_other() -> None:
    """What contains another is longer, with what a cancellation takes."""
    lines = {line.split()[0]: line for line in commands("production")}
    settings: dict[str, Any] = {}
    exec((PROGRAMS / "production/settings_end.py").read_text("utf-8"), settings)
    budget = settings["LIFESPAN"]["STOP_BUDGET"] + 2
    cut_off = settings["LIFESPAN"]["STOP_TIMEOUT"]
    toml = (PROGRAMS / "production/hypercorn.toml").read_text("utf-8")
    hypercorn = {
        k: int(v) for k, v in re.findall(r"^(\w+) = (\d+)$", toml, re.MULTILINE)
    }
    pod = yaml.safe_load((PROGRAMS / "production/deployment.yaml").read_text("utf-8"))
    spec = pod["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    requests = option(lines["uvicorn"], "--timeout-graceful-shutdown")
    longest = {
        "uvicorn": requests + cut_off + budget,
        "gunicorn": option(lines["gunicorn"], "--graceful-timeout"),
        "granian": option(lines["granian"], "--workers-kill-timeout"),
        "hypercorn": hypercorn["graceful_timeout"] + hypercorn["shutdown_timeout"],
    }

    assert settings["LIFESPAN"]["STOP_TIMEOUT"] <= settings["LIFESPAN"]["STOP_BUDGET"]
    assert hypercorn["graceful_timeout"] == requests
    assert hypercorn["shutdown_timeout"] > cut_off + budget
    assert longest["gunicorn"] > requests + budget
    assert longest["granian"] > requests + budget
    assert set(longest) == set(WORKERS)
    assert all(
        pause + seconds < spec["terminationGracePeriodSeconds"]
        for seconds in longest.values()
    )
    assert " ".join(container["command"]) == " ".join(lines["uvicorn"].split())


# --- Mounted applications


TWO_TESTS = """\
from django.test import SimpleTestCase

from django_lifespan_typed.testing import LifespanTestCase


class Tests(LifespanTestCase, SimpleTestCase):
    def test_one(self):
        self.assertContains(self.client.get("/"), "Hello, Django!")

    def test_two(self):
        self.assertContains(self.client.get("/"), "Hello, Django!")
"""


def test_mounted_applications_start_for_each_test(site: Site) -> None:
    """In one process, though an MCP server's sessions begin once."""
    pytest.importorskip("mcp", reason="the MCP library of the page")
    folder = site("mounted")
    (folder / "mysite" / "tests.py").write_text(TWO_TESTS)

    with running("manage.py", "test", "mysite", folder=folder) as process:
        assert process.wait() == 0, process.output
        assert "Ran 2 tests" in process.output


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
async def test_mounted_applications_share_the_resource(server: str, site: Site) -> None:
    """FastAPI in its state, a tool of the MCP server in ours."""
    httpx2 = pytest.importorskip("httpx2", reason="httpx2 needs Python 3.11")
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    with serving("mounted-apps", server, site("mounted")) as served:
        url = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as browser:
            page = await browser.get(f"{url}/")
            answer = await browser.get(f"{url}/api/greet/Emma")
        async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport) as mcp:
                called = await mcp.call_tool("greet", {"name": "Anne"})

        assert page.text == "Hello, Django!"
        assert answer.json() == {"greeting": "Hello, Emma!", "from": "the API"}
        assert [content.text for content in called.content] == ["Hello, Anne!"]
        end(served)
        assert served.started[0] == served.stopped[-1] == "greeter"
        assert sorted(served.started) == ["api", "greeter", "mcp"]


# --- Django, mounted in FastAPI


@pytest.mark.parametrize("mount", ["/", "/site"])
def test_django_inside_fastapi_has_its_resources(mount: str, site: Site) -> None:
    """Where FastAPI's lifespan runs Django's, wherever it is mounted."""
    folder = site("inside-fastapi")
    asgi = folder / "mysite" / "asgi.py"
    mounted = asgi.read_text("utf-8").replace('mount("/"', f'mount("{mount}"')
    asgi.write_text(mounted, "utf-8")
    assert f'mount("{mount}"' in mounted

    with serving("mounted-apps", "uvicorn", folder) as served:
        with client(served.port) as browser:
            api = browser.get("/api/greet/Emma")
            link = browser.get(f"{mount.rstrip('/')}/").text
            page = browser.get(link)
        end(served)

    assert link == f"{mount.rstrip('/')}/greet/Emma"
    assert page.text == HELLO.format("Emma", 2)
    assert api.json() == {"greeting": HELLO.format("Emma", 1), "guests": ["Emma"]}
    assert served.started == ["greeter"]
    assert served.process.found("^the guest book .*|stopped 'greeter'") == [
        "the guest book opens",
        "stopped 'greeter'",
        "the guest book closes",
    ]
