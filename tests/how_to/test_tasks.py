"""The page on background tasks, and the part on them of the page on production."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Lock, Thread
from typing import Any, ClassVar, Final

import pytest
import yaml
from redis import Redis
from typing_extensions import override

from tests.docs.pages import command
from tests.processes import LIMIT, client, running

from .conftest import Site
from .services import Service
from .sites import HOW_TO, PROGRAMS, run, serving

PAGE: Final = "background-task.md"
SERVE: Final = "uvicorn mysite.asgi:application --port 8000"


def change(file: Path, old: str, new: str) -> None:
    """Replace *old*, which the file has once: most often an interval."""
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")


def often(folder: Path) -> Path:
    """Let the refresher of the first project run often."""
    change(folder / "mysite/settings.py", "RATES_SECONDS = 60", "RATES_SECONDS = 0.05")
    return folder


# --- A refresher


def test_rates_are_refreshed_after_a_run_that_failed(site: Site) -> None:
    folder = often(site("background-task"))
    rates = folder / "rates.json"
    with (
        serving(PAGE, SERVE, folder) as served,
        client(served.port) as browser,
    ):
        before = browser.get("/rates").json()["rates"]
        rates.unlink()
        served.process.until("FileNotFoundError")
        ready = browser.get("/readyz")
        fresh = folder / "fresh.json"
        fresh.write_text(json.dumps({"EUR": 1.1}), "utf-8")
        fresh.replace(rates)
        while (after := browser.get("/rates").json())["rates"] != {"EUR": 1.1}:
            pass
        assert served.process.end(signal.SIGTERM) in {0, -signal.SIGTERM}

    assert before == {"EUR": 1.08}
    assert ready.status_code == 200
    assert ready.json()["checks"]["refresh_rates"][0]["task"] in {"running", "waiting"}
    assert re.match(r"\d{4}-\d\d-\d\dT", after["refreshed"])
    assert sorted(served.stopped) == ["rates", "refresh_rates"]


def test_the_tests_of_the_page_pass(site: Site) -> None:
    process = run(PAGE, "python manage.py test", site("background-task"))

    assert "Ran 4 tests" in process.output


# --- A feed


class Feed(BaseHTTPRequestHandler):
    """Sends one price, and keeps the connection open until the test closes it."""

    close: ClassVar[Queue[None]]
    open_now: ClassVar[list[int]]
    most: ClassVar[list[int]]
    counting: ClassVar[Lock]

    def do_GET(self) -> None:
        with self.counting:
            self.open_now.append(1)
            self.most.append(len(self.open_now))
            number = len(self.most)
        self.send_response(200)
        self.end_headers()
        price = {"isbn": "9780141439518", "value": f"{number}.00"}
        self.wfile.write(json.dumps(price).encode() + b"\n")
        self.close.get()
        with self.counting:
            self.open_now.pop()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def feed() -> Generator[tuple[str, type[Feed]]]:
    """The URL of a feed, and its handler."""
    own: dict[str, Any] = {"open_now": [], "most": []}
    handler = type("OurFeed", (Feed,), {**own, "close": Queue(), "counting": Lock()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        for _ in range(10):
            handler.close.put(None)
        server.shutdown()
        thread.join(LIMIT)


def test_one_of_two_workers_follows_the_feed_and_connects_again(
    site: Site, postgresql: Service, feed: tuple[str, type[Feed]]
) -> None:
    url, handler = feed
    port = postgresql.url.rpartition(":")[2].partition("/")[0]
    variables = {
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "PGUSER": "mysite",
        "PGDATABASE": "postgres",
        "PRICES_URL": url,
        "NO_PROXY": "*",
    }
    folder = site("background-task-feed")
    run(PAGE, "python manage.py makemigrations", folder, **variables)
    run(PAGE, "python manage.py migrate", folder, **variables)

    with serving(PAGE, f"{SERVE} --workers", folder, **variables) as served:
        served.process.until("started 'price_feed' in", nth=2)
        with client(served.port) as browser:
            for value in "1.00", "2.00":
                while browser.get("/prices").json() != {"9780141439518": value}:
                    pass
                if value == "1.00":
                    handler.close.put(None)
        served.process.end(signal.SIGTERM)

    assert max(handler.most) == 1
    assert sorted(served.stopped) == ["httpx_client"] * 2 + ["price_feed"] * 2


# --- A scheduler


def test_the_scheduler_runs_its_jobs(site: Site) -> None:
    folder = site("background-task-scheduler")
    lifespan = folder / "mysite/lifespan.py"
    change(lifespan, "hour=3", 'second="*"')
    change(lifespan, "minutes=15", "seconds=0.1")
    # The table of sessions does not exist yet.
    variables = {"TMPDIR": str(folder)}
    with serving(PAGE, SERVE, folder, **variables) as served:
        served.process.until("count_sessions failed")
        run(PAGE, "python manage.py migrate", folder)
        with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
            expired = ("old", "", "2020-01-01 00:00:00")
            with database:
                database.execute("INSERT INTO django_session VALUES (?, ?, ?)", expired)
            count = "SELECT COUNT(*) FROM django_session"
            while database.execute(count).fetchone() != (0,):
                pass
        with client(served.port) as browser:
            while browser.get("/sessions").json() != {"sessions": 0}:
                pass
        served.process.end(signal.SIGTERM)

    assert served.stopped == served.started != []
    assert "never awaited" not in served.process.output


# --- A queue


def test_each_new_user_receives_a_mail(site: Site, redis: Service) -> None:
    folder = site("background-task-worker")
    mails = folder / "mails"
    with (folder / "mysite/settings.py").open("a", encoding="utf-8") as settings:
        settings.write(
            'EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"\n'
            f"EMAIL_FILE_PATH = {str(mails)!r}\n"
        )
    addresses = [f"{name}@example.com" for name in ("emma", "anne", "jane")]
    with (
        Redis.from_url(redis.url) as queue,
        serving(PAGE, SERVE, folder, REDIS_URL=redis.url) as served,
    ):
        with client(served.port) as browser:
            for address in addresses:
                assert browser.get(f"/join/{address}").status_code == 200
        while len(list(mails.glob("*"))) < len(addresses):
            assert served.process.alive, served.process.output
        while not queue.exists("lifespan-lock:watch_queue"):
            assert served.process.alive, served.process.output
        served.end()
        left = queue.keys("*")

    sent = "".join(mail.read_text("utf-8") for mail in mails.iterdir())
    assert sorted(re.findall("^To: (.*)$", sent, re.MULTILINE)) == sorted(addresses)
    assert left == []


# --- A process of their own


def test_tasks_run_beside_a_server_that_does_not_run_them(site: Site) -> None:
    folder = often(site("background-task", "production", "production-tasks"))
    arguments = command(HOW_TO / "production.md", "python manage.py lifespan run")
    with (
        serving(PAGE, SERVE, folder) as served,
        running(*arguments, folder=folder) as tasks,
    ):
        tasks.until("started 'refresh_rates' in")
        (folder / "rates.json").unlink()
        tasks.until("FileNotFoundError")
        with client(served.port) as browser:
            ready = browser.get("/readyz").json()
        assert tasks.end(signal.SIGTERM) == 0
        served.end()

    assert ready["checks"]["refresh_rates"][0]["task"] == "standby"
    assert sorted(tasks.found(r"stopped '(\w+)' in")) == ["rates", "refresh_rates"]


def test_named_tasks_run_until_ctrl_c(site: Site) -> None:
    arguments = command(HOW_TO / PAGE, "python manage.py lifespan run")
    with running(*arguments, folder=site("background-task")) as tasks:
        tasks.until("started 'refresh_rates' in")
        assert tasks.end(signal.SIGINT) == 0


def test_systemd_and_kubernetes_run_the_command_of_the_page() -> None:
    folder = PROGRAMS / "production-tasks"
    unit = (folder / "mysite-tasks.service").read_text("utf-8")
    pod = yaml.safe_load((folder / "tasks-deployment.yaml").read_text("utf-8"))
    spec = pod["spec"]["template"]["spec"]
    settings: dict[str, Any] = {}
    exec((PROGRAMS / "production/settings_end.py").read_text("utf-8"), settings)
    arguments = command(HOW_TO / "production.md", "python manage.py lifespan run")

    assert spec["containers"][0]["command"] == ["python", *arguments]
    assert f".venv/bin/python {' '.join(arguments)}\n" in unit
    limits = [spec["terminationGracePeriodSeconds"]]
    limits += map(int, re.findall(r"TimeoutStopSec=(\d+)", unit))
    assert len(limits) == 2
    assert min(limits) > settings["LIFESPAN"]["STOP_BUDGET"] + 2
