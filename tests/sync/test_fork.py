"""A fork of a process whose lifespan runs: it never hangs, and shares no pool."""

from __future__ import annotations

import pytest

from .scripts import running_script

# What a child does, in a process that has a lifespan by each of these.
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
        # Where async code forks: in a thread, as libraries do.
        await asyncio.to_thread(forked, child)
        say(state[pool] == f"pool of {os.getpid()}")

asyncio.run(main())
"""

IN_WSGI = """
from django_lifespan_typed.wsgi import get_wsgi_application
from django.test import RequestFactory
from django.http import HttpResponse
from django.urls import path
import types

async def view(request: Any) -> HttpResponse:
    return HttpResponse(get_state(request, pool))

urls = types.ModuleType("urls_of_a_script")
urls.urlpatterns = [path("", view)]
sys.modules["urls_of_a_script"] = urls
settings.ROOT_URLCONF = "urls_of_a_script"
settings.ALLOWED_HOSTS = ["*"]
application = get_wsgi_application()

def get() -> str:
    statuses: list[str] = []
    environ = RequestFactory().get("/").environ
    body = b"".join(application(environ, lambda status, _: statuses.append(status)))
    return f"{statuses[0]} {body.decode()}"

say(get() == f"200 OK pool of {os.getpid()}")
forked(child)
say(get() == f"200 OK pool of {os.getpid()}")
"""

PLACES = pytest.mark.parametrize(
    "place",
    [IN_A_BLOCK, IN_AN_ASYNC_BLOCK, IN_WSGI],
    ids=["with", "async with", "wsgi"],
)


@PLACES
def test_the_child_says_where_the_lifespan_runs(place: str) -> None:
    """``current_state`` and ``get_state`` name the process that has it."""
    script = """
def child() -> None:
    try:
        current_state()
    except LifespanError as error:
        say(str(error).replace(str(os.getppid()), "PARENT"))
    try:
        get_state({}, pool)
    except LifespanError as error:
        say(str(error).replace(str(os.getppid()), "PARENT"))
    say(get_state({}, pool, None))
"""
    with running_script(FORK + script + place) as child:
        code = child.wait()

    assert code == 0, child.output
    text = (
        "the lifespan runs in process PARENT, which this one was forked from\n"
        "Connections are not to be shared by processes. After the fork, start a "
        "lifespan here too: with Lifespan() as state: ..."
    )
    said = [line for line in child.lines if line not in {"True", "+pool", "-pool"}]
    assert "\n".join(said) == (
        f"{text}\nno 'pool' on the lifespan state: {text}\nNone\nchild ended with 0"
    )
    assert child.output.count("True") == (2 if place is IN_WSGI else 1)


@PLACES
@pytest.mark.parametrize(
    "own",
    [
        "with Lifespan() as state: say(state[pool] == f'pool of {os.getpid()}')",
        """
    async def own() -> None:
        async with Lifespan() as state:
            say(state[pool] == f"pool of {os.getpid()}")
    asyncio.run(own())
""",
    ],
    ids=["its own with", "its own async with"],
)
def test_the_child_may_start_its_own(place: str, own: str) -> None:
    """With values of its own, which it closes itself; the parent's are untouched."""
    script = f"""
def child() -> None:
    say("in the child")
    {own}
"""
    with running_script(FORK + script + place) as child:
        code = child.wait()

    assert code == 0, child.output
    begin = child.lines.index("in the child")
    assert child.lines[begin : begin + 5] == [
        "in the child",
        "+pool",
        "True",
        "-pool",
        "child ended with 0",
    ]
    assert child.lines[begin + 5 :] == ["True", "-pool"]
    assert "hangs" not in child.output


def test_a_forked_wsgi_worker_starts_its_own() -> None:
    """The handler starts anew in the child, although it was started before the fork."""
    script = """
def child() -> None:
    say(get() == f"200 OK pool of {os.getpid()}")
    from django_lifespan_typed._threads.at_exit import at_exit
    at_exit._run(os.getpid())
"""
    with running_script(FORK + script + IN_WSGI) as child:
        code = child.wait()

    assert code == 0, child.output
    assert child.lines == [
        *("+pool", "True"),
        *("+pool", "True", "-pool", "child ended with 0"),
        *("True", "-pool"),
    ]


def test_a_child_that_leaves_the_block_closes_nothing() -> None:
    """What is open there is its parent's: to wait for it would be to hang."""
    script = """
lifespan = Lifespan()
with lifespan as state:
    pid = os.fork()
    if not pid:
        say("leaving")
        sys.exit(7)
    say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    say(lifespan.call(asyncio.sleep, 0, "still here"))
"""
    with running_script(script) as child:
        code = child.wait()

    assert code == 0, child.output
    assert child.lines == ["+pool", "leaving", "7", "still here", "-pool"]


def test_a_child_that_leaves_an_async_block_closes_nothing() -> None:
    """Nor does it wait for its parent's tasks."""
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
    with running_script(script) as child:
        code = child.wait()

    assert code == 0, child.output
    assert child.lines == ["+pool", "leaving", "left", "7", "True", "-pool"]


def test_call_in_the_child_says_so() -> None:
    """The loop is its parent's: nobody would ever run the function."""
    script = """
lifespan = Lifespan()

def child() -> None:
    say(lifespan.loop)
    try:
        lifespan.call(asyncio.sleep, 0)
    except LifespanError as error:
        say(str(error).replace(str(os.getppid()), "PARENT"))

with lifespan:
    forked(child)
"""
    with running_script(FORK + script) as child:
        code = child.wait()

    assert code == 0, child.output
    assert child.lines == [
        "+pool",
        "None",
        "this Lifespan does not run in this fork of PARENT",
        "Enter it first: with Lifespan() as state:",
        "child ended with 0",
        "-pool",
    ]


def test_the_child_may_use_async_to_sync_and_the_orm() -> None:
    """asgiref's shared thread, which the start has used, is a new one in the child."""
    script = """
from django.db import connection

def ask() -> int:
    with connection.cursor() as cursor:
        return cursor.execute("SELECT 42").fetchone()[0]

@lifespan_resource("answer")
async def answer() -> AsyncGenerator[int]:
    from asgiref.sync import sync_to_async
    yield await sync_to_async(ask)()

def child() -> None:
    from asgiref.sync import async_to_sync
    with Lifespan(only=(answer,)) as state:
        say(state[answer])
        say(async_to_sync(asyncio.sleep)(0, "done"))

with Lifespan(only=(answer,)) as state:
    forked(child)
"""
    with running_script(FORK + script) as child:
        code = child.wait()

    assert (code, child.lines) == (0, ["42", "done", "child ended with 0"])


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_multiprocessing_children_start_their_own(way: str) -> None:
    """Whichever way they are made; and they close it."""
    script = f"""
import multiprocessing
from tests.sync.work import work

with Lifespan() as state:
    process = multiprocessing.get_context("{way}").Process(target=work)
    process.start()
    process.join()
    say(process.exitcode)
"""
    with running_script(script) as child:
        code = child.wait()

    assert (code, child.lines) == (
        0,
        ["+pool", "+own", "-own", "0", "-pool"],
    ), child.output
