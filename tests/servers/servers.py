"""The servers that the tests run, and what each of them does with a lifespan."""

from __future__ import annotations

from dataclasses import replace
from signal import SIGINT, SIGTERM
from typing import Final

from .server import Server

_BIND_GUNICORN: Final = ("-b", "127.0.0.1:{port}", "--no-control-socket")

UVICORN: Final = Server(
    name="uvicorn",
    title="uvicorn",
    package="uvicorn",
    command=("-m", "uvicorn", "{application}", "--port", "{port}"),
    ready="Uvicorn running on",
    stopping="Waiting for connections to close",
    flag="--lifespan on",
    failed_start=(3,),
    stopped=-SIGTERM,
    lazily_closed_by=(SIGINT,),
)
UVICORN_2: Final = replace(
    UVICORN,
    name="uvicorn-2",
    title="uvicorn `--workers 2`",
    command=(*UVICORN.command, "--workers", "2"),
    ready="Application startup complete",
    workers=2,
    failed_start=(0,),
    stopped=0,
    lazily_closed_by=(),
)
UVICORN_RELOAD: Final = replace(
    UVICORN,
    name="uvicorn-reload",
    title="uvicorn `--reload`",
    command=(*UVICORN.command, "--reload"),
    ready="Application startup complete",
    failed_start=(),
    stopped=0,
    lazily_closed_by=(),
)
UVICORN_OFF: Final = replace(
    UVICORN,
    name="uvicorn-off",
    title="uvicorn `--lifespan off`",
    command=(*UVICORN.command, "--lifespan", "off"),
    sends_lifespan=False,
)

GUNICORN_ASGI: Final = Server(
    name="gunicorn-asgi",
    title="gunicorn `-k asgi`",
    package="gunicorn",
    command=("-m", "gunicorn", "{application}", "-k", "asgi", *_BIND_GUNICORN),
    ready="ASGI server listening on",
    stopping="Waiting for 1 connections to finish",
    flag="--asgi-lifespan on",
    early="held",
    failed_start=(3,),
    stop_limit="at most 30 s",
    lazily_closed_by=(SIGTERM, SIGINT),
)
GUNICORN_ASGI_2: Final = replace(
    GUNICORN_ASGI,
    name="gunicorn-asgi-2",
    title="gunicorn `-k asgi -w 2`",
    command=(*GUNICORN_ASGI.command, "-w", "2"),
    workers=2,
    # 1 if the second worker fails while the first is reaped.
    failed_start=(3, 1),
)
GUNICORN_ASGI_OFF: Final = replace(
    GUNICORN_ASGI,
    name="gunicorn-asgi-off",
    title="gunicorn `-k asgi --asgi-lifespan off`",
    command=(*GUNICORN_ASGI.command, "--asgi-lifespan", "off"),
    sends_lifespan=False,
)
GUNICORN_UVICORN: Final = Server(
    name="gunicorn-uvicorn",
    title="gunicorn `-k uvicorn_worker.UvicornWorker`",
    package="uvicorn-worker",
    command=(
        *("-m", "gunicorn", "{application}"),
        *("-k", "uvicorn_worker.UvicornWorker", *_BIND_GUNICORN),
    ),
    ready="Application startup complete|lifespan' protocol appears unsupported",
    stopping="Waiting for connections to close",
    impatient=("--graceful-timeout", "1"),
    flag="CONFIG_KWARGS",
    early="held",
    failed_start=(3,),
    stop_limit="`--graceful-timeout`, 30 s",
)
GUNICORN_UVICORN_2: Final = replace(
    GUNICORN_UVICORN,
    name="gunicorn-uvicorn-2",
    title="gunicorn `-k uvicorn_worker.UvicornWorker -w 2`",
    command=(*GUNICORN_UVICORN.command, "-w", "2"),
    workers=2,
    failed_start=(3, 1),
)

HYPERCORN: Final = Server(
    name="hypercorn",
    title="hypercorn",
    package="hypercorn",
    command=("-m", "hypercorn", "{application}", "-b", "127.0.0.1:{port}"),
    ready="Running on",
    patient=("--graceful-timeout", "60"),
    flag="hypercorn",
    failed_start=(0,),
    stop_limit="`shutdown_timeout`, 60 s",
    lazily_closed_by=(SIGTERM, SIGINT),
)
HYPERCORN_0: Final = replace(
    HYPERCORN,
    name="hypercorn-0",
    title="hypercorn `-w 0`",
    command=(*HYPERCORN.command, "-w", "0"),
    failed_start=(1,),
)
HYPERCORN_2: Final = replace(
    HYPERCORN,
    name="hypercorn-2",
    title="hypercorn `-w 2`",
    command=(*HYPERCORN.command, "-w", "2"),
    workers=2,
    # The worker that it kills may have ended before.
    failed_start=(0, 1, 241),
    stop_limit="until one worker has ended",
    in_flight="killed",
    # One worker of two, either of them.
    lazily_closed_by=(),
)

GRANIAN: Final = Server(
    name="granian",
    title="granian `--interface asgi`",
    package="granian",
    command=(
        *("-m", "granian", "{application}"),
        *("--interface", "asgi", "--port", "{port}"),
    ),
    ready="Started worker-",
    stopping="Stopping worker-",
    flag="--interface asgi",
    failed_start=(1,),
    stop_limit="`--workers-kill-timeout`, no limit",
    lazily_closed_by=(SIGTERM, SIGINT),
)
GRANIAN_2: Final = replace(
    GRANIAN,
    name="granian-2",
    title="granian `--interface asgi --workers 2`",
    command=(*GRANIAN.command, "--workers", "2"),
    workers=2,
)
GRANIAN_ASGINL: Final = replace(
    GRANIAN,
    name="granian-asginl",
    title="granian `--interface asginl`",
    command=tuple("asginl" if part == "asgi" else part for part in GRANIAN.command),
    sends_lifespan=False,
)
# On Python 3.10 and 3.11, all requests run in one task, which is none of asyncio's.
GRANIAN_RUST: Final = replace(
    GRANIAN,
    name="granian-rust",
    title="",
    command=(*GRANIAN.command, "--task-impl", "rust"),
)
GRANIAN_ASGINL_RUST: Final = replace(
    GRANIAN_ASGINL,
    name="granian-asginl-rust",
    title="",
    command=(*GRANIAN_ASGINL.command, "--task-impl", "rust"),
)

DAPHNE: Final = Server(
    name="daphne",
    title="daphne",
    package="daphne",
    command=("-m", "daphne", "-p", "{port}", "{application}"),
    ready="Listening on TCP address",
    sends_lifespan=False,
    early="held",
    failed_start=(3,),
    in_flight="cancelled",
)

DAPHNE_RUNSERVER: Final = replace(
    DAPHNE,
    name="daphne-runserver",
    title="",
    command=("manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
)

DAPHNE_RELOAD: Final = replace(
    DAPHNE_RUNSERVER,
    name="daphne-reload",
    command=("manage.py", "runserver", "127.0.0.1:{port}"),
)

# --- WSGI

GTHREAD: Final = Server(
    name="gunicorn-gthread",
    title="",
    package="gunicorn",
    command=(
        *("-m", "gunicorn", "mysite.wsgi", "-k", "gthread", "--threads", "4"),
        *("--preload", "-w", "2", *_BIND_GUNICORN),
    ),
    ready="Booting worker",
    stopping="Handling signal",
    workers=2,
    sends_lifespan=False,
)
SYNC: Final = replace(
    GTHREAD,
    name="gunicorn-sync",
    command=("-m", "gunicorn", "mysite.wsgi", "-k", "sync", *_BIND_GUNICORN),
    workers=1,
)
RUNSERVER: Final = Server(
    name="runserver",
    title="",
    package="django",
    command=("manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
    ready="Starting development server at",
    sends_lifespan=False,
)
RELOAD: Final = replace(
    RUNSERVER,
    name="runserver-reload",
    command=("manage.py", "runserver", "127.0.0.1:{port}"),
)
WSGI: Final = (GTHREAD, SYNC, RUNSERVER, RELOAD)

SERVERS: Final = (
    *(UVICORN, UVICORN_2, UVICORN_RELOAD, UVICORN_OFF),
    *(GUNICORN_ASGI, GUNICORN_ASGI_2, GUNICORN_ASGI_OFF),
    *(GUNICORN_UVICORN, GUNICORN_UVICORN_2),
    *(HYPERCORN, HYPERCORN_0, HYPERCORN_2),
    *(GRANIAN, GRANIAN_2, GRANIAN_ASGINL),
    *(DAPHNE, DAPHNE_RUNSERVER),
)
EAGER: Final = tuple(server for server in SERVERS if not server.starts_lazily)
LAZY: Final = tuple(server for server in SERVERS if server.starts_lazily)
