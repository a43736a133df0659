"""The package's layers: a module imports from its own folder and from lower ones."""

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

# Lowest first. A folder is a layer; what is not named here is an adapter, which stands
# above the folders that start with an underscore and below the tools.
BASE = ("_compat", "_log", "_settings", "_text", "exceptions", "signals", "types")
LAYERS = ("base", "_threads", "_declare", "locks", "_tasks")
LAYERS += ("_runtime", "_asgi", "adapter", "tool")
TOOLS = ("apps", "checks", "management", "panels", "pytest_plugin", "status_page")
TOOLS += ("testing", "urls", "views")


def _layer(module: str) -> int:
    top = module.partition(".")[0]
    if top in BASE:
        return LAYERS.index("base")
    if top in TOOLS:
        return LAYERS.index("tool")
    return LAYERS.index(top if top in LAYERS else "adapter")


def _name(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(FOLDER.rglob("*.py"))}


def _imports(module: str, path: Path) -> Iterator[tuple[str, int]]:
    """The modules of the package that *module* imports at runtime, with their lines."""
    here = [PACKAGE, *filter(None, module.split("."))]
    package = here if path.name == "__init__.py" else here[:-1]
    ahead: list[ast.AST] = [ast.parse(path.read_bytes(), path)]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            ahead += node.orelse
            continue
        ahead += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *filter(None, (node.module or "").split("."))]
            targets = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for target in targets:
            if target == PACKAGE or target.startswith(f"{PACKAGE}."):
                yield _module_of(target), node.lineno


def _module_of(target: str) -> str:
    """The module that *target* is, or is an attribute of."""
    name = target.removeprefix(PACKAGE).removeprefix(".")
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {""}))
def test_a_module_imports_from_its_own_layer_and_lower_ones(module: str) -> None:
    upward = [
        f"{module}:{line} imports {other or PACKAGE}"
        for other, line in _imports(module, MODULES[module])
        if not other or _layer(other) > _layer(module)
    ]

    assert upward == []


def test_init_only_reexports() -> None:
    docstring, *statements = ast.parse(MODULES[""].read_bytes()).body

    assert isinstance(docstring, ast.Expr)
    others = [node for node in statements if not isinstance(node, ast.ImportFrom)]
    assert [ast.unparse(node).partition(" =")[0] for node in others] == [
        "__all__",
        "__version__",
    ]


def test_all_is_sorted_and_exists() -> None:
    exported = django_lifespan_typed.__all__

    assert list(exported) == sorted(set(exported))
    assert [name for name in exported if not hasattr(django_lifespan_typed, name)] == []


# Django and asgiref are the only libraries that the package itself needs.
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
    "opentelemetry",
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


def test_importing_the_package_imports_no_server_and_starts_no_thread() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING], capture_output=True, check=False, text=True
    )

    assert ran.returncode == 0, ran.stderr
    roots, threads = json.loads(ran.stdout)
    assert FOREIGN.intersection(roots) == set()
    # typing_extensions is slow to import; newer Pythons do not need it.
    assert ("typing_extensions" in roots) == (sys.version_info < (3, 11))
    assert threads == ["MainThread"]
