"""Arguments of locks, and what importing them imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from django_lifespan_typed import StateKey
from django_lifespan_typed.exceptions import InvalidDeclaration
from django_lifespan_typed.locks import DatabaseLock, FileLock, RedisLock

REDIS = StateKey[Redis]("redis")

WRONG: dict[str, Any] = {
    "settings.DATABASES has no 'nope', which DatabaseLock names": lambda: DatabaseLock(
        "nope"
    ),
    "DatabaseLock takes the alias of a database, not an object of type int": lambda: (
        DatabaseLock(3)  # type: ignore[arg-type]
    ),
    "DatabaseLock takes a string as name=, not an empty string": lambda: DatabaseLock(
        name=""
    ),
    "RedisLock takes the resource of a Redis client, not an object of type str": (
        lambda: RedisLock("redis")  # type: ignore[arg-type]
    ),
    "ttl= of RedisLock is not above 0": lambda: RedisLock(REDIS, ttl=0),
    "ttl= of RedisLock is infinite": lambda: RedisLock(REDIS, ttl=float("inf")),
    "ttl= of RedisLock is of type str, not a number of seconds": (
        lambda: RedisLock(REDIS, ttl="secret")  # type: ignore[arg-type]
    ),
    "RedisLock takes a string as name=, not an object of type int": (
        lambda: RedisLock(REDIS, name=3)  # type: ignore[arg-type]
    ),
    "FileLock takes the path of a file, not an object of type int": (
        lambda: FileLock(3)  # type: ignore[arg-type]
    ),
    "FileLock takes the path of a file, not an empty string": lambda: FileLock(""),
}


@pytest.mark.parametrize("problem", WRONG)
def test_a_wrong_argument_is_refused(problem: str) -> None:
    with pytest.raises(InvalidDeclaration) as raised:
        WRONG[problem]()

    first, location, fix = str(raised.value).splitlines()
    assert first == problem
    assert "test_arguments.py" in location
    assert fix.startswith(("Write: ", "Known: "))


def test_an_alias_with_a_typing_error_is_suggested() -> None:
    with pytest.raises(InvalidDeclaration, match="Did you mean 'default'"):
        DatabaseLock("defualt")


def test_a_file_lock_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)

    with pytest.raises(InvalidDeclaration) as raised:
        FileLock()

    assert 'pip install "django-lifespan-typed[locks]"' in str(raised.value)


def test_locks_know_their_names_and_dependencies() -> None:
    assert DatabaseLock(name="a").name == "a"
    assert FileLock().name is None
    assert FileLock().needs == ()
    assert RedisLock(REDIS).needs == (REDIS,)


async def test_a_path_is_the_file_that_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    async with FileLock(path).hold("a") as first, FileLock(str(path)).hold("b") as b:
        assert first is not None
        assert b is None
        assert path.exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "ü", "a" * 300, "a\0b"])
async def test_any_name_has_a_file_in_the_temporary_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async with FileLock().hold(name) as until_lost:
        assert until_lost is not None
        assert len([*tmp_path.iterdir()]) == 1


async def test_a_file_that_cannot_be_locked_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        async with FileLock(tmp_path).hold("a"):
            pytest.fail("the block runs")


def test_importing_locks_imports_no_engine() -> None:
    program = (
        "import sys, django_lifespan_typed.locks\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
        "print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    roots, modules = map(str.split, ran.stdout.splitlines())
    assert not {"redis", "filelock", "psycopg", "MySQLdb"} & {*roots}
    assert not [name for name in modules if name.startswith("django.db.backends.p")]
