"""``get_wsgi_application`` without a server."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.processes import ROOT, Process, running

VALUES = '["the db", "the db", "the db", "the db"]'


def ran(script: str) -> Process:
    """A process that has run *script* to its end."""
    code = "from tests.wsgi.harness import *\n" + dedent(script)
    with running("-c", code, folder=ROOT) as process:
        assert process.wait() == 0, process.output
        return process


def test_every_view_finds_the_state_on_the_loop_of_the_resources() -> None:
    """
    Two applications share a lifespan, and sync code under an async view runs in the
    thread of the request.
    """
    process = ran("""
        asgi_startup.connect(lambda **_: happened("startup"), weak=False)
        asgi_shutdown.connect(lambda **_: happened("shutdown"), weak=False)
        registry = Registry()
        add("db", registry)
        before = threading.active_count()
        applications = [get_wsgi_application(registry) for _ in range(2)]
        assert threading.active_count() == before
        with ThreadPoolExecutor(1) as threads:
            for path in ("/values", "/values-async", "/place", "/place-async"):
                for application in applications:
                    print(*threads.submit(get, application, path).result())
    """)

    answers = [line for line in process.lines if line[0] != "@"]
    assert answers[:4] == [f"200 OK {VALUES}"] * 4
    assert len({*answers[4:]}) == 1
    assert process.events == ["+db", "startup", "shutdown", "-db"]


@pytest.mark.parametrize("served_first", [True, False], ids=["after", "before"])
def test_a_lifespan_in_another_thread_changes_nothing(*, served_first: bool) -> None:
    """A command that runs beside requests has resources of its own."""
    process = ran(f"""
        registry, other = Registry(), Registry()
        add("db", registry)
        add("other", other)
        application = get_wsgi_application(registry)
        with ThreadPoolExecutor(1) as threads:
            if {served_first}:
                threads.submit(get, application, "/values").result()
            with Lifespan(other):
                for path in ("/values", "/values-async"):
                    print(*threads.submit(get, application, path).result())
                print(dict(current_state()))
    """)

    answers = [line for line in process.lines if not line.startswith("@")]
    assert answers == [f"200 OK {VALUES}"] * 2 + ["{'other': 'the other'}"]


def test_concurrent_first_requests_wait_for_one_start() -> None:
    process = ran("""
        registry = Registry()
        entered, release = threading.Event(), threading.Event()

        @lifespan_resource("db", registry=registry)
        async def db() -> str:
            happened("+db")
            entered.set()
            await asyncio.to_thread(release.wait, 30)
            return "the db"

        application = get_wsgi_application(registry)
        together = threading.Barrier(8, timeout=30)

        def request():
            together.wait()
            return get(application, "/values")[0]

        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(request) for _ in range(8)]
            assert entered.wait(30)
            print(any(answer.done() for answer in answers))
            release.set()
            print({answer.result() for answer in answers})
    """)

    assert process.lines == ["@+db", "False", "{'200 OK'}"]


def test_a_failed_start_refuses_every_request_and_is_logged_once() -> None:
    process = ran("""
        registry = Registry()
        add("db", registry)
        add("broken", registry, fails_at="start")
        application = get_wsgi_application(registry)
        print({get(application, "/values")[0] for _ in range(3)})
    """)

    assert "{'503 Service Unavailable'}" in process.lines
    assert process.events.count("+broken") == 1
    assert process.output.count("RuntimeError: no route to host") == 1
    assert "'broken'" in process.output


def test_a_request_after_the_end_of_the_process_is_refused() -> None:
    """Hooks of ``atexit`` run in reverse: an earlier one runs after the shutdown."""
    process = ran("""
        import atexit

        @atexit.register
        def late():
            print(get(application, "/values")[0])
            print(get(get_wsgi_application(registry), "/values")[0])

        registry = Registry()
        add("db", registry)
        application = get_wsgi_application(registry)
        get(application, "/values")
    """)

    assert process.lines[:2] == ["@+db", "@-db"]
    assert process.found("^503 Service Unavailable$") == ["503 Service Unavailable"] * 2


def test_a_failed_stop_keeps_no_other_lifespan_open() -> None:
    """The latest is closed first."""
    process = ran("""
        registries = [Registry() for _ in range(3)]
        for number, registry in enumerate(registries):
            add(f"db{number}", registry, fails_at="stop" if number == 1 else "")
            get(get_wsgi_application(registry), "/place")
    """)

    assert process.events == ["+db0", "+db1", "+db2", "-db2", "-db0"]
    assert "RuntimeError: still in use" in process.output
    assert "'db1'" in process.output


def test_a_fork_closes_nothing() -> None:
    process = ran("""
        import os

        registry = Registry()
        add("db", registry)
        get(get_wsgi_application(registry), "/values")
        if pid := os.fork():
            os.waitpid(pid, 0)
            happened("the fork has ended")
    """)

    assert process.events == ["+db", "the fork has ended", "-db"]


def test_a_request_of_rest_framework_has_the_state() -> None:
    """Its request wraps Django's; the state may be one that a test sets."""
    process = ran("""
        from django.conf import settings
        from django.test import AsyncRequestFactory, RequestFactory
        from django.urls import path
        from django_lifespan_typed import get_state
        from tests.wsgi import harness

        settings.REST_FRAMEWORK = {
            "DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None
        }
        from rest_framework.decorators import api_view
        from rest_framework.request import Request
        from rest_framework.response import Response

        registry = Registry()
        add("db", registry)

        @api_view(["GET"])
        def view(request):
            return Response(get_state(request, harness.DB))

        harness.urlpatterns.append(path("rest", view))
        print(*get(get_wsgi_application(registry), "/rest?format=json"))
        for factory in RequestFactory(), AsyncRequestFactory():
            request = factory.get("/")
            request.state = {"db": "fake"}
            print(get_state(Request(request), harness.DB))
    """)

    assert [line for line in process.lines if line[0] != "@"] == [
        '200 OK "the db"',
        *("fake", "fake"),
    ]


def test_a_signal_that_would_close_nothing_is_logged() -> None:
    """Only the main thread can handle signals."""
    process = ran("""
        registry = Registry()
        add("db", registry)
        with ThreadPoolExecutor(1) as threads:
            application = threads.submit(get_wsgi_application, registry).result()
            print(get(application, "/values")[0])
    """)

    assert "SIGTERM ends this process at once" in process.output
    assert process.events == ["+db", "-db"]
