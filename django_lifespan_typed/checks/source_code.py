"""Where code is written, found without importing any."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from functools import cache, partial
from importlib.machinery import PathFinder
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
    bases: tuple[str, ...] = ()
    """Of a class that is not imported: the dotted paths that could be told."""


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


def parsed(file: str) -> ast.Module | None:
    """The source in *file*, unless nobody can read it; what it warns of is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(Path(file).read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None


def named(path: str) -> list[Code] | None:
    """
    What a dotted *path* of a setting names, with its bases: nothing where nobody can
    import it, or Django has written it; None where only an import could tell.
    """
    module = path.rpartition(".")[0]
    if module not in sys.modules:
        file = file_of(module)
        if file is None or _tree(file) is None:
            return []
    return _named(path, set())


def written(thing: Any) -> list[Code]:
    """The definitions that make up a function with its wrappers, or a class."""
    if isinstance(thing, type):
        return [found for base in thing.__mro__ for found in _class(base)]
    found: list[Code] = []
    for layer in _layers(thing):
        code = getattr(layer, "__code__", None)
        if isinstance(code, CodeType):
            found += _function(code, str(layer.__module__))
        elif not isinstance(layer, partial):
            found += written(layer.__class__)
    return found


def _layers(thing: Any) -> Iterator[Any]:
    for _ in range(sys.getrecursionlimit()):  # as inspect.unwrap() has it
        if thing is None:
            return
        yield thing
        is_partial = isinstance(thing, partial)
        thing = thing.func if is_partial else getattr(thing, "__wrapped__", None)


def _named(path: str, seen: set[str]) -> list[Code] | None:
    module, _, name = path.rpartition(".")
    if module in sys.modules:
        return written(getattr(sys.modules[module], name, None))
    if path in seen or _is_foreign(module):
        return []
    seen.add(path)
    file = file_of(module)
    tree = None if file is None else _tree(file)
    if file is None or tree is None:
        return None
    definition = next(
        (node for node in _definitions_in(tree) if getattr(node, "name", "") == name),
        None,
    )
    if definition is None:
        origin = _origins(tree, module, file).get(name)
        return None if origin is None else _named(origin, seen)
    if not isinstance(definition, ast.ClassDef):
        return [Code(definition, file, module)]
    return _named_class(definition, tree, file, module, seen)


def _named_class(
    definition: ast.ClassDef, tree: ast.Module, file: str, module: str, seen: set[str]
) -> list[Code] | None:
    origins = _origins(tree, module, file)
    paths: list[str] = []
    for base in map(ast.unparse, definition.bases):
        first, dot, rest = base.partition(".")
        paths.append(f"{origins.get(first, f'{module}.{first}')}{dot}{rest}")
    found = [Code(definition, file, module, tuple(paths))]
    for path in paths:
        inherited = [] if path == f"{module}.object" else _named(path, seen)
        if inherited is None:
            return None
        found += inherited
    return found


def _origins(tree: ast.Module, module: str, file: str) -> dict[str, str]:
    """Where the names come from that a module takes from others, as dotted paths."""
    package = module.split(".")
    if not file.endswith("__init__.py"):
        package.pop()
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                found[alias.asname or alias.name] = f"{origin}.{alias.name}"
    return found


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
    _tree.cache_clear()


@cache
def _definitions(file: str) -> tuple[Definition, ...]:
    try:
        # Most files have no need to be parsed.
        tree = _tree(file) if b"state" in Path(file).read_bytes() else None
    except OSError:
        return ()
    return () if tree is None else tuple(_definitions_in(tree))


@cache
def _tree(file: str) -> ast.Module | None:
    return parsed(file)


def _definitions_in(tree: ast.Module) -> Iterator[Definition]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return (node for node in ast.walk(tree) if isinstance(node, kinds))
