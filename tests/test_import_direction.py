"""The house: imports point down only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_lifespan_typed

PACKAGE = "django_lifespan_typed"
FOLDER = Path(django_lifespan_typed.__file__).parent

# A module imports from lower floors only. Where it has to import a neighbour, one of
# the two moves to a floor of its own.
FLOORS: dict[str, int] = {
    # What others stand on: typing, where things were written, errors, names, types.
    "_typing": 0,
    "_anyio": 0,
    "_source": 0,
    "_signatures": 0,
    "_sync_loop": 0,
    "signals": 0,
    "types": 0,
    "_keys": 1,
    "exceptions": 1,
    "_at_exit": 2,
    "_connections": 1,
    "_overrides": 2,
    "_dispatch": 2,
    "_portal": 3,
    "_calling": 4,
    "_settings": 2,
    "_status": 2,
    "_state": 2,
    # What can make a value.
    "_value_types": 2,
    "_worker": 2,
    "_factories": 3,
    "_resources": 4,
    # What is registered, and in which order it starts.
    "_registry": 5,
    "_declaration": 6,
    "_declare": 7,
    "_plan": 6,
    "register": 6,
    # One resource in one task; one run of a plan.
    "_failures": 5,
    "_owner": 6,
    "_publication": 7,
    "_report": 7,
    "_health": 7,
    "_run": 8,
    "_running": 8,
    "_lifespan": 9,
    "_signalled": 10,
    # Which lifespan serves whom; the ASGI messages.
    "_missing": 9,
    "_access": 10,
    "_host": 11,
    "_protocol": 10,
    # What brings a lifespan to a place.
    "servers": 13,
    "servers.daphne": 12,
    "handler": 14,
    "middleware": 14,
    "wsgi": 14,
    "celery": 14,
    "commands": 14,
    "_recorded": 11,
    "panels": 14,
    "asgi": 15,
    "_requests": 3,
    "_override_state": 3,
    "_waterfall": 3,
    "_graph": 7,
    "management": 0,
    "management._screen": 0,
    "management._progress": 1,
    "management._bars": 8,
    "management._rows": 8,
    "management._check": 15,
    "management.commands": 0,
    "management.commands.lifespan": 17,
    "_status_text": 0,
    "_status_waterfall": 4,
    "_status_graph": 4,
    "_status_page": 11,
    "_test_clients": 15,
    "_test_threads": 15,
    "testing": 16,
    "_pytest_loops": 16,
    "_pytest_tests": 17,
    "pytest_plugin": 18,
    "views": 15,
    "urls": 16,
    # What Django and pytest find by themselves.
    "_checks_messages": 0,
    "_checks_code": 0,
    "_checks_plan": 7,
    "_checks_request_state": 15,
    "_checks_applications": 16,
    "checks": 17,
    "apps": 18,
    "admin": 17,
}

# (importer, imported) on one floor, where no circle arises.
NEIGHBOURS: set[tuple[str, str]] = set()


def _name(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# The name of each module, without the package's; "" is the package itself.
MODULES = {_name(path): path for path in sorted(FOLDER.rglob("*.py"))}


def _imported(module: str, path: Path) -> Iterator[tuple[str, int]]:
    """What *module* imports of the package, also inside functions and blocks."""
    here = [PACKAGE, *filter(None, module.split("."))]
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_bytes(), path)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += filter(None, (node.module or "").split("."))
            targets = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for target in targets:
            if target == PACKAGE or target.startswith(f"{PACKAGE}."):
                yield _module_of(target), node.lineno


def _module_of(target: str) -> str:
    """The module that *target* is, or is in."""
    name = target.removeprefix(PACKAGE).removeprefix(".")
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def test_every_module_has_a_floor() -> None:
    """A new module says where it stands."""
    missing = MODULES.keys() - FLOORS.keys() - {""}

    assert not missing, (
        f"no floor for {', '.join(sorted(missing))}. Write in FLOORS of {__file__}, "
        f'one above the highest that it imports: "{min(missing)}": …'
    )


def test_every_floor_has_a_module() -> None:
    """What is gone is gone from the house too."""
    assert FLOORS.keys() - MODULES.keys() == set()


@pytest.mark.parametrize("module", sorted(MODULES.keys() & FLOORS.keys()))
def test_imports_point_down(module: str) -> None:
    """No module imports from its own floor or above, nor the package's front door."""
    floor = FLOORS[module]

    upward = [
        f"{module}.py:{line} (floor {floor}) imports "
        + (f"{other} (floor {FLOORS[other]})" if other else f"{PACKAGE} itself")
        for other, line in _imported(module, MODULES[module])
        # What has no floor fails the test above.
        if not other
        or (FLOORS.get(other, -1) >= floor and (module, other) not in NEIGHBOURS)
    ]

    assert upward == []


def test_neighbours_stand_on_one_floor() -> None:
    """The exceptions are exceptions: of one floor, in use, in one direction."""
    used = {
        (module, other)
        for module, path in MODULES.items()
        for other, _ in _imported(module, path)
    }

    assert used >= NEIGHBOURS
    for importer, imported in NEIGHBOURS:
        assert FLOORS[importer] == FLOORS[imported]
        assert (imported, importer) not in NEIGHBOURS


def test_front_door_only_reexports() -> None:
    """``__init__`` holds a docstring, imports, ``__all__`` and ``__version__``."""
    docstring, *statements = ast.parse(MODULES[""].read_bytes()).body

    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    assert isinstance(docstring.value.value, str)
    assigned: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            continue
        assert isinstance(statement, ast.Assign | ast.AnnAssign), ast.unparse(statement)
        assert statement.value is not None
        ast.literal_eval(statement.value)
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
        )
        assigned += map(ast.unparse, targets)
    assert sorted(assigned) == ["__all__", "__version__"]


def test_front_door_sorts_what_it_exports() -> None:
    """``__all__`` is sorted, and each of its names is there."""
    exported = django_lifespan_typed.__all__

    assert list(exported) == sorted(set(exported))
    assert [name for name in exported if not hasattr(django_lifespan_typed, name)] == []


# What belongs to adapters, or to users. asgiref and Django are what we stand on.
FOREIGN = {
    "anyio",
    "celery",
    "channels",
    "daphne",
    "debug_toolbar",
    "granian",
    "gunicorn",
    "httpx",
    "hypercorn",
    "igraph",
    "pytest",
    "starlette",
    "trio",
    "twisted",
    "uvicorn",
}

IMPORTING = f"""
import json, sys, threading
import {PACKAGE}
roots = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps([sorted(roots), [thread.name for thread in threading.enumerate()]]))
"""


def test_importing_brings_no_server_and_starts_no_thread() -> None:
    """An import is free: no server, no client, no thread, no settings."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING], capture_output=True, check=False, text=True
    )

    assert ran.returncode == 0, ran.stderr
    roots, threads = json.loads(ran.stdout)
    assert FOREIGN.intersection(roots) == set()
    # It takes long to import, and typing has what is needed of it.
    assert ("typing_extensions" in roots) == (sys.version_info < (3, 11))
    assert threads == ["MainThread"]
