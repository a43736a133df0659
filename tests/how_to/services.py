"""Redis, PostgreSQL and MariaDB from Debian's packages, as children on loopback."""

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

from tests.processes import Process, reserved_port, running

# Replaces the process by another program, run as another user if one is named.
BECOME: Final = """
import os, pwd, sys
user, *command = sys.argv[1:]
if user:
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
os.execv(command[0], command)
"""


@final
@dataclass(frozen=True)
class Service:
    """A running server, and its URL."""

    url: str
    process: Process

    def stop(self) -> None:
        self.process.end(signal.SIGINT)


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test without it, or fail in CI."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, debian), os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        missing = f"{name} is not installed: apt-get install {package}"
        (pytest.fail if "CI" in os.environ else pytest.skip)(missing)
    return found


@contextmanager
def redis_server(folder: Path) -> Generator[Service]:
    """Run a Redis that writes nothing to disk."""
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
    """Run a PostgreSQL with a cluster of its own."""
    initdb = program("initdb", "postgresql")
    postgres = program("postgres", "postgresql")
    # It refuses to run as root, and other users cannot enter pytest's folder.
    user = "postgres" if os.getuid() == 0 else ""
    with tempfile.TemporaryDirectory(prefix="how-to-postgresql-") as name:
        folder = Path(name)
        if user:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
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
                # SIGKILL would leave its shared memory allocated.
                process.end(signal.SIGINT)


@contextmanager
def mariadb_server() -> Generator[Service]:
    """Run a MariaDB with the empty database ``test``."""
    install = program("mariadb-install-db", "mariadb-server")
    mariadb = program("mariadbd", "mariadb-server")
    # It refuses to run as root, too.
    user = "mysql" if os.getuid() == 0 else ""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as name:
        folder = Path(name)
        if user:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        data = f"--datadir={folder / 'data'}"
        with running(
            *("-c", BECOME, user, install, "--no-defaults", data),
            "--auth-root-authentication-method=normal",
            folder=folder,
        ) as made:
            assert made.wait() == 0, made.output
        port = reserved_port()
        with running(
            *("-c", BECOME, user, mariadb, "--no-defaults", data),
            *("--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"),
            f"--socket={folder / 'socket'}",
            folder=folder,
        ) as process:
            process.until("ready for connections")
            yield Service(f"mysql://root@127.0.0.1:{port}/test", process)
