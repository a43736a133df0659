"""Forks of a process in which a lifespan runs: they share nothing, and never hang."""

from __future__ import annotations

import pytest

from .scripts import running_script

FORK = """
def forked(work: Any) -> None:
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback
            say(traceback.format_exc())
        finally:
            os._exit(code)
    say(f"child ended with {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")
"""

IN_A_BLOCK = """
with Lifespan() as state:
    forked(child)
    say(state[pool] == f"pool of {os.getpid()}")
"""

IN_AN_ASYNC_BLOCK = """
async def main() -> None:
    async with Lifespan() as state:
        # Libraries fork in a thread.
        await asyncio.to_thread(forked, child)
        say(state[pool] == f"pool of {os.getpid()}")

asyncio.run(main())
"""

UNDER_WSGI = """
from django_lifespan_typed.wsgi import get_wsgi_application
from django.test import RequestFactory
from django.http import HttpResponse
from django.urls import path

async def view(request: Any) -> HttpResponse:
    return HttpResponse(get_state(request, pool))

settings.ROOT_URLCONF = (path("", view),)
settings.ALLOWED_HOSTS = ["*"]
application = get_wsgi_application()

def get() -> str:
    statuses: list[str] = []
    environ = RequestFactory().get("/").environ
    body = b"".join(application(environ, lambda status, _: statuses.append(status)))
    return f"{statuses[0]} {body.decode()}"

get()
forked(child)
say(get() == f"200 OK pool of {os.getpid()}")
"""

PARENTS = pytest.mark.parametrize(
    "parent",
    [IN_A_BLOCK, IN_AN_ASYNC_BLOCK, UNDER_WSGI],
    ids=["with", "async with", "wsgi"],
)


def lines_of(script: str) -> list[str]:
    """Run *script* to its end; returns the lines that it printed."""
    with running_script(script) as child:
        code = child.wait()
    assert code == 0, child.output
    return child.lines


@PARENTS
def test_a_child_may_start_a_lifespan_of_its_own(parent: str) -> None:
    """Before that, errors name the process in which one runs."""
    script = """
def child() -> None:
    for look_up in current_state, lambda: get_state({}, pool):
        try:
            look_up()
        except LifespanError as error:
            say(str(error).replace(str(os.getppid()), "PARENT"))
    say(get_state({}, pool, None))

    with Lifespan() as state:
        say(state[pool] == f"pool of {os.getpid()}")

    async def own() -> None:
        async with Lifespan() as state:
            say(state[pool] == f"pool of {os.getpid()}")

    asyncio.run(own())
"""
    text = [
        "the lifespan runs in process PARENT, from which this one was forked",
        (
            "Connections cannot be shared by processes. After the fork, start a "
            "lifespan here: with Lifespan() as state: ..."
        ),
    ]
    assert lines_of(FORK + script + parent) == [
        "+pool",
        *text,
        f"no 'pool' on the lifespan state: {text[0]}",
        text[1],
        "None",
        *("+pool", "True", "-pool") * 2,
        "child ended with 0",
        "True",
        "-pool",
    ]


def test_a_forked_wsgi_worker_starts_a_lifespan_of_its_own() -> None:
    """It shuts down at the end of the worker."""
    script = """
import multiprocessing

def work() -> None:
    say(get() == f"200 OK pool of {os.getpid()}")

def child() -> None:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    say(process.exitcode)
"""
    under_wsgi = UNDER_WSGI.replace("forked(child)", "child()")
    assert lines_of(script + under_wsgi) == [
        "+pool",
        *("+pool", "True", "-pool", "0"),
        *("True", "-pool"),
    ]


def test_a_child_that_leaves_the_block_closes_nothing() -> None:
    """The values and the loop are those of its parent: waiting for them would hang."""
    script = """
lifespan = Lifespan()
with lifespan as state:
    pid = os.fork()
    if not pid:
        say(lifespan.loop)
        try:
            lifespan.call(asyncio.sleep, 0)
        except LifespanError as error:
            say(str(error).replace(str(os.getppid()), "PARENT"))
        sys.exit(7)
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    say(lifespan.call(asyncio.sleep, 0, "still here"))
"""
    assert lines_of(script) == [
        *("+pool", "None"),
        "this Lifespan is not running in this fork of process PARENT",
        "Enter it first: with Lifespan() as state:",
        *("7", "still here", "-pool"),
    ]


def test_a_child_that_leaves_an_async_block_closes_nothing() -> None:
    script = """
async def main() -> None:
    async with Lifespan() as state:
        pid = os.fork()
        if pid:
            say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            say(state[pool] == f"pool of {os.getpid()}")
        else:
            say("leaving")
    if not pid:
        say("left")
        os._exit(7)

asyncio.run(main())
"""
    assert lines_of(script) == ["+pool", "leaving", "left", "7", "True", "-pool"]


def test_a_child_that_starts_a_lifespan_can_use_sync_to_async() -> None:
    """The thread of asgiref's executor did not survive the fork."""
    script = """
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.db import connection

def ask() -> int:
    with connection.cursor() as cursor:
        return cursor.execute("SELECT 42").fetchone()[0]

@lifespan_resource("answer")
async def answer() -> AsyncGenerator[int]:
    yield await sync_to_async(ask)()

executor = SyncToAsync.single_thread_executor

def child() -> None:
    say(SyncToAsync.single_thread_executor is executor)
    with Lifespan(only=(answer,)) as state:
        say(state[answer])
        say(async_to_sync(asyncio.sleep)(0, "done"))

with Lifespan(only=(answer,)) as state:
    forked(child)
say(SyncToAsync.single_thread_executor is executor)
"""
    assert lines_of(FORK + script) == [
        *("True", "42", "done", "child ended with 0", "True")
    ]


def test_a_child_forked_by_a_factory_can_be_interrupted() -> None:
    """A pool of processes, for example."""
    script = """
@lifespan_resource("processes")
async def processes() -> AsyncGenerator[int]:
    child = os.fork()
    if not child:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            say("interrupted")
        os._exit(0)
    os.waitpid(child, 0)
    yield 1

with Lifespan():
    pass
"""
    with running_script(script) as child:
        assert child.wait() == 0, child.output

    assert "interrupted" in child.lines
