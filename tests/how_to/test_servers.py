"""The pages on servers: Channels, Daphne, production, WSGI, mounted applications."""

from __future__ import annotations

import json
import re
import signal
from typing import Any, Final

import httpx
import pytest
import yaml
from websockets.sync.client import connect

from tests.docs.pages import command, commands
from tests.processes import LIMIT, client, running

from .conftest import Site
from .sites import HOW_TO, PROGRAMS, Served, run, serving

HELLO: Final = "Hello, {}! You are number {}.\n"

# --- Channels


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_a_consumer_and_a_view_share_the_resource(server: str, site: Site) -> None:
    with serving("channels.md", server, site("channels")) as served:
        with client(served.port) as browser:
            page = browser.get("/").text
        address = f"ws://127.0.0.1:{served.port}/greetings"
        with connect(address, proxy=None, open_timeout=LIMIT) as socket:
            socket.send(json.dumps({"name": "Emma"}))
            answer = json.loads(socket.recv(LIMIT))
        served.end()

    assert page == HELLO.format("async", 1)
    assert answer == {"greeting": HELLO.format("Emma", 2)}


def test_the_tests_of_the_channels_page_pass(site: Site) -> None:
    process = run("channels.md", "python manage.py", site("channels"))

    assert "Ran 1 test" in process.output


# --- Daphne, WSGI, production


def assert_greets(served: Served) -> None:
    """An async and a sync view use the resource of their process."""
    with client(served.port) as browser:
        answers = [browser.get(path) for path in ("/", "/sync", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert re.fullmatch(r"Hello, async! You are number \d\.\n", answers[0].text)
    assert re.fullmatch(r"Hello, sync! You are number \d\.\n", answers[1].text)


@pytest.mark.parametrize(
    ("page", "begins", "program", "number"),
    [
        ("daphne.md", "daphne", None, signal.SIGTERM),
        (
            "daphne.md",
            "python manage.py runserver 8000 --noreload",
            "daphne",
            signal.SIGTERM,
        ),
        ("wsgi.md", "gunicorn", "wsgi", signal.SIGTERM),
        ("wsgi.md", "python manage.py", "wsgi", signal.SIGINT),
    ],
)
def test_a_command_serves_and_closes_resources(
    page: str, begins: str, program: str | None, number: signal.Signals, site: Site
) -> None:
    folder = site(program) if program else site()
    # In development mode Python reports the socket that Django's server leaves open.
    variables = {"PYTHONDEVMODE": None} if page == "wsgi.md" else {}
    with serving(page, begins, folder, **variables) as served:
        assert_greets(served)
        served.end(number)


def test_runserver_of_daphne_serves_under_the_autoreloader(site: Site) -> None:
    with serving(
        "daphne.md", "python manage.py runserver 8000", site("daphne")
    ) as served:
        assert_greets(served)


WORKERS: Final = {"uvicorn": 1, "gunicorn": 2, "granian": 2, "hypercorn": 1}


@pytest.mark.parametrize("server", WORKERS)
def test_each_worker_of_a_production_command_closes_its_resource(
    server: str, site: Site
) -> None:
    with serving("production.md", server, site("production")) as served:
        assert_greets(served)
        served.process.until("started 'greeter' in", nth=WORKERS[server])
        served.end()

    assert served.started == ["greeter"] * WORKERS[server]


def test_the_deployment_check_has_no_complaint_about_the_lifespan(site: Site) -> None:
    arguments = command(HOW_TO / "production.md", "python manage.py check")
    with running(*arguments, folder=site("production")) as process:
        process.wait()

    # Django warns about a new project.
    assert "security.W018" in process.output
    assert "lifespan." not in process.output


def test_lifespan_check_starts_and_stops_each_resource(site: Site) -> None:
    process = run(
        "production.md", "python manage.py lifespan check", site("production")
    )

    assert process.found("(started|stopped) 'greeter' in") == ["started", "stopped"]


def option(line: str, name: str) -> int:
    parts = line.split()
    return int(parts[parts.index(name) + 1])


def test_each_time_limit_of_production_contains_the_inner_ones() -> None:
    lines = {line.split()[0]: line for line in commands(HOW_TO / "production.md")}
    settings: dict[str, Any] = {}
    exec((PROGRAMS / "production/settings_end.py").read_text("utf-8"), settings)
    cancelled = settings["LIFESPAN"]["STOP_TIMEOUT"]
    resources = settings["LIFESPAN"]["STOP_BUDGET"] + 2
    requests = option(lines["uvicorn"], "--timeout-graceful-shutdown")
    toml = (PROGRAMS / "production/hypercorn.toml").read_text("utf-8")
    hypercorn = {
        name: int(value)
        for name, value in re.findall(r"^(\w+) = (\d+)$", toml, re.MULTILINE)
    }
    pod = yaml.safe_load((PROGRAMS / "production/deployment.yaml").read_text("utf-8"))
    spec = pod["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    workers = {
        option(lines["gunicorn"], "--graceful-timeout"),
        option(lines["granian"], "--workers-kill-timeout"),
    }

    longest = max(*workers, requests + cancelled + resources)
    assert cancelled < resources
    assert min(workers) > requests + resources
    assert hypercorn["graceful_timeout"] == requests
    assert hypercorn["shutdown_timeout"] > cancelled + resources
    assert pause + longest < spec["terminationGracePeriodSeconds"]
    assert " ".join(container["command"]) == " ".join(lines["uvicorn"].split())


# --- Mounted applications


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
async def test_mounted_applications_share_the_resource(server: str, site: Site) -> None:
    httpx2 = pytest.importorskip("httpx2", reason="httpx2 needs Python 3.11")
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    with serving("mounted-apps.md", server, site("mounted")) as served:
        url = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as browser:
            page = await browser.get(f"{url}/")
            answer = await browser.get(f"{url}/api/greet/Emma")
        async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport) as mcp:
                called = await mcp.call_tool("greet", {"name": "Anne"})
        served.end()

    assert page.text == "Hello, Django!"
    assert answer.json() == {"greeting": "Hello, Emma!", "from": "the API"}
    assert [content.text for content in called.content] == ["Hello, Anne!"]
    assert served.started[0] == served.stopped[-1] == "greeter"
    assert sorted(served.started) == ["api", "greeter", "mcp"]


@pytest.mark.parametrize("mount", ["/", "/site"])
def test_django_inside_fastapi_has_its_resources(mount: str, site: Site) -> None:
    folder = site("inside-fastapi")
    asgi = folder / "mysite" / "asgi.py"
    mounted = asgi.read_text("utf-8").replace('mount("/"', f'mount("{mount}"')
    asgi.write_text(mounted, "utf-8")
    assert f'mount("{mount}"' in mounted

    with serving("mounted-apps.md", "uvicorn", folder) as served:
        with client(served.port) as browser:
            api = browser.get("/api/greet/Emma")
            link = browser.get(f"{mount.rstrip('/')}/").text
            page = browser.get(link)
        served.end()

    assert link == f"{mount.rstrip('/')}/greet/Emma"
    assert page.text == HELLO.format("Emma", 2)
    assert api.json() == {"greeting": HELLO.format("Emma", 1), "guests": ["Emma"]}
    assert served.process.found("^the guest book .*|stopped 'greeter'") == [
        "the guest book opens",
        "stopped 'greeter'",
        "the guest book closes",
    ]
