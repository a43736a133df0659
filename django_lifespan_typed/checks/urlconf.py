"""System check of resources that only the URLconf imports, which is too late."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage, Warning as Warn

from .._declare.registry import Registry
from .applications import Application

_FOREIGN: Final = {*sys.stdlib_module_names, "django_lifespan_typed"}
_INSTALLED: Final = {"site-packages", "dist-packages"}


def check_urlconf(
    registries: Iterable[Registry], application: Application | None
) -> Iterator[CheckMessage]:
    """
    Check that no declaration depends on the import of the URLconf.

    A server starts the lifespan after importing the module of *application*. Django
    imports the URLconf at the first request; only ``runserver`` imports it before, for
    its checks.
    """
    urlconf = str(getattr(settings, "ROOT_URLCONF", None))
    late = [
        resource
        for registry in registries
        for resource in (*registry, *registry.managers)
        if resource.imported_by == urlconf
    ]
    if not late:
        return
    # Another check may have imported the URLconf before the application.
    middleware = (str(path).rpartition(".")[0] for path in settings.MIDDLEWARE)
    guess = f"{urlconf.rpartition('.')[0]}.asgi".lstrip(".")
    module = application.module if application else guess
    early = _imported_by(module, *middleware)
    for resource in late:
        if resource.declared_at.module not in early:
            yield Warn(
                f"lifespan resource {resource.name!r} is declared when the URLconf is "
                "imported, which is after the lifespan has started under most servers\n"
                f"{resource.declared_at.draw()}",
                hint="Declare it in lifespan.py of an installed app, or import "
                f"{resource.declared_at.module} there.",
                obj=resource,
                id="lifespan.W010",
            )


def _imported_by(*modules: str) -> set[str]:
    """Return *modules* and what they import, themselves or through others."""
    found: set[str] = set()
    ahead = [*modules]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += _imports(module)
    return found


def _imports(module: str) -> list[str]:
    """Read the imports of *module*, if it belongs to the project."""
    if module.partition(".")[0] in _FOREIGN:
        return []
    try:
        spec = find_spec(module)
        if spec is None or spec.origin is None:
            return []
        path = Path(spec.origin)
        if path.suffix != ".py" or _INSTALLED & {*path.parts}:
            return []
        names: list[str] = []
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                dots = "." * node.level
                base = resolve_name(f"{dots}{node.module or ''}", spec.parent)
                names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    except Exception:  # a name that is no module, or a module that is broken
        return []
    return names
