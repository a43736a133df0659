"""Where code is written, found without importing any."""

from __future__ import annotations

import ast
import sys
from functools import cache, partial
from importlib.machinery import PathFinder
from inspect import unwrap
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, TypeAlias

Definition: TypeAlias = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
)


class Code(NamedTuple):
    """A definition, and where it is."""

    definition: Definition
    file: str
    module: str


def file_of(module: str) -> str | None:
    """The source of *module*, which is not imported, nor is what it is in."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _source(getattr(loaded, "__file__", None))
    path = None
    parts = module.split(".")
    spec = None
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        package = sys.modules.get(name)
        if package is not None:
            path = getattr(package, "__path__", [])
            continue
        # By its last part: a namespace package would look for what it is in.
        spec = PathFinder.find_spec(parts[depth - 1], path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    return _source(None if spec is None else spec.origin)


def named(path: str) -> list[Code]:
    """What a dotted *path* of a setting names, with its bases if it is imported."""
    module, _, name = path.rpartition(".")
    if module in sys.modules:
        return written(getattr(sys.modules[module], name, None))
    file = file_of(module)
    found = [
        node
        for node in (_definitions(file) if file is not None else ())
        if not isinstance(node, ast.Lambda) and node.name == name
    ]
    return [Code(node, str(file), module) for node in found[:1]]


def written(thing: Any) -> list[Code]:
    """The definitions that make up a function, a class or an instance of one."""
    while isinstance(thing, partial):
        thing = thing.func
    thing = unwrap(thing)
    code = getattr(thing, "__code__", None)
    if isinstance(code, CodeType):
        return _function(code, str(thing.__module__))
    cls: Any = thing if isinstance(thing, type) else thing.__class__
    return [found for base in cls.__mro__ for found in _class(base)]


def _function(code: CodeType, module: str) -> list[Code]:
    if _is_foreign(module):
        return []
    return [
        Code(node, code.co_filename, module)
        for node in _definitions(code.co_filename)
        if _first_line(node) == code.co_firstlineno
        and getattr(node, "name", "<lambda>") == code.co_name
    ][:1]


def _class(cls: type[Any]) -> list[Code]:
    file = None if _is_foreign(cls.__module__) else file_of(cls.__module__)
    if file is None:
        return []
    return [
        Code(node, file, cls.__module__)
        for node in _definitions(file)
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__
    ][:1]


def _is_foreign(module: str) -> bool:
    return module.partition(".")[0] in {"builtins", "django", "django_lifespan_typed"}


def _first_line(node: Definition) -> int:
    decorators = getattr(node, "decorator_list", [])
    lines: list[int] = [node.lineno, *(decorator.lineno for decorator in decorators)]
    return min(lines)


def _source(file: str | None) -> str | None:
    return file if file is not None and file.endswith(".py") else None


def forget() -> None:
    """Drop what was parsed: it is of use to one run of the checks."""
    _definitions.cache_clear()


@cache
def _definitions(file: str) -> tuple[Definition, ...]:
    try:
        source = Path(file).read_bytes()
        # Most files have no need to be parsed.
        tree = ast.parse(source) if b"state" in source else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return ()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return tuple(node for node in ast.walk(tree) if isinstance(node, kinds))
