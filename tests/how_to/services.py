"""Redis and PostgreSQL from Debian's packages, as child processes on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest

from tests.processes import Process, running
from tests.servers.servers import reserved_port

# Becomes another program, as another user where one is named.
BECOME: Final = """
import os, pwd, sys
user, *command = sys.argv[1:]
if user:
    who = pwd.getpwnam(user)
    os.initgroups(user, who.pw_gid)
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
os.execv(command[0], command)
"""


@final
@dataclass(frozen=True)
class Service:
    """A server that a project is a client of."""

    url: str
    process: Process

    def stop(self) -> None:
        """Stop it now, in good order."""
        self.process.end(signal.SIGINT)


def program(name: str, package: str, *folders: Path) -> str:
    """Where a program is; a machine that tests everything has to have it."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.defpath]))
    found = found or shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (apt-get install {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def redis_server(folder: Path) -> Generator[Service]:
    """A Redis that writes nothing to disk."""
    port = reserved_port()
    options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    redis = program("redis-server", "redis-server")
    with running(
        *("-c", BECOME, "", redis, *map(str, options)), folder=folder
    ) as process:
        process.until("Ready to accept connections")
        yield Service(f"redis://127.0.0.1:{port}/0", process)


@contextmanager
def postgresql_server() -> Generator[Service]:
    """A PostgreSQL with a cluster of its own; it refuses to run as root."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb = program("initdb", "postgresql", *debian)
    postgres = program("postgres", "postgresql", *debian)
    user = "postgres" if os.getuid() == 0 else ""
    # Not in pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="how-to-postgresql-") as name:
        folder = Path(name)
        if user:
            who = pwd.getpwnam(user)
            os.chown(folder, who.pw_uid, who.pw_gid)
        cluster = str(folder / "cluster")
        options = ["-A", "trust", "-U", "mysite", "-E", "UTF8", "--locale=C"]
        with running(
            *("-c", BECOME, user, initdb, "-D", cluster, "--no-sync", *options),
            folder=folder,
        ) as made:
            assert made.wait() == 0, made.output
        port = reserved_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        given = [part for item in settings.items() for part in ("-c", "=".join(item))]
        with running(
            *("-c", BECOME, user, postgres, "-D", cluster, *given), folder=folder
        ) as process:
            process.until("database system is ready to accept connections")
            yield Service(f"postgresql://mysite@127.0.0.1:{port}/postgres", process)
            if process.alive:
                # A kill would leave its shared memory behind.
                process.end(signal.SIGINT)
