"""``python -m example_site``: prepares the library, then runs its server."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

from .ports import HOST, reserved_port

ROOT: Final = Path(__file__).resolve().parent.parent
MANAGE: Final = Path(__file__).with_name("manage.py")

_APPLICATION: Final = "example_site.asgi:application"

# As in production, with quieter logs.
SERVERS: Final = {
    "uvicorn": "uvicorn --host {host} --port {port} --lifespan on --log-level warning",
    "gunicorn": "gunicorn -k asgi -b {host}:{port} --no-control-socket "
    "--log-level warning",
    "hypercorn": "hypercorn -b {host}:{port} --log-level warning",
    "granian": "granian --interface asgi --host {host} --port {port} "
    "--log-level warning",
    "daphne": "daphne -b {host} -p {port} -v 0",
}

TAKEN: Final = """\
Port {port} is in use by another program. Write instead:
    PORT=0 make demo       any free port; the address is printed
    PORT=8123 make demo    that port, or one of your own"""
NOT_A_PORT: Final = """\
PORT={port!r} is not a port. Write a number from 1 to 65535, or 0 for any free port:
    PORT=8123 make demo"""
NOT_A_SERVER: Final = """\
SERVER={server!r} is not a server of the demo. Write one of these:
{commands}"""


def serve(server: str, port: int) -> NoReturn:
    """Replace this process by *server*, which then has its signals and exit code."""
    url = f"http://{HOST}:{port}/"
    announce = [sys.executable, "-m", "example_site.announce", url, str(os.getpid())]
    # In a session of its own, without Ctrl-C; it ends when the server does.
    _announcer = subprocess.Popen(announce, start_new_session=True)

    command = SERVERS[server].format(host=HOST, port=port).split()
    os.execv(sys.executable, [sys.executable, "-m", *command, _APPLICATION])


def main() -> str:
    """Serve until a signal arrives; returns an error message if it cannot serve."""
    server = os.environ.get("SERVER", "uvicorn")
    if server not in SERVERS:
        commands = "\n".join(f"    make demo SERVER={name}" for name in SERVERS)
        return NOT_A_SERVER.format(server=server, commands=commands)

    wanted = os.environ.get("PORT", "8000")
    if not wanted.isdecimal() or int(wanted) > 65535:
        return NOT_A_PORT.format(port=wanted)
    try:
        port = reserved_port(int(wanted))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return TAKEN.format(port=wanted)

    # `-m` imports from the current directory first.
    os.chdir(ROOT)
    prepared = subprocess.run([sys.executable, MANAGE, "prepare_demo"], check=False)
    if prepared.returncode != 0:
        return "The database could not be created. The error is printed above."

    serve(server, port)


if __name__ == "__main__":
    sys.exit(main())
