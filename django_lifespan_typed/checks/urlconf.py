"""System check of resources that only the URLconf imports, which is too late."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage, Warning as Warn

from .._declare.registry import Registry
from .applications import Application

_FOREIGN: Final = (*sys.stdlib_module_names, "django_lifespan_typed")
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
    """Return *modules* and what they import, as far as it belongs to the project."""
    folders = [path for path in sys.path if not _INSTALLED & {*Path(path).parts}]
    finder = ModuleFinder(folders, excludes=_FOREIGN)
    for module in modules:
        with suppress(Exception):  # it is installed, or it is broken
            finder.import_hook(module)
    return {*finder.modules}
