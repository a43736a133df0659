"""Other libraries for the same work, each used as its documentation shows."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Final

OURS: Final = "django-lifespan-typed"
THEIRS: Final = "django-asgi-lifespan"
PLAIN: Final = "plain Django"
BARE: Final = "bare dictionary"
FLOOR: Final = "AsyncExitStack"

# No peers: the lowest possible cost.
FLOORS: Final = (PLAIN, BARE, FLOOR)

# The module of each; value.py describes its content.
MODULES: Final = {
    BARE: "bare",
    OURS: "ours",
    THEIRS: "django_asgi_lifespan",
    "Starlette": "starlette",
    "aiohttp": "aiohttp",
    "svcs": "svcs",
    "dishka": "dishka",
    "Litestar": "litestar",
    "dependency-injector": "dependency_injector",
    FLOOR: "exit_stack",
}


@cache
def installed() -> dict[str, ModuleType]:
    """The modules whose libraries are installed, by name."""
    modules: dict[str, ModuleType] = {}
    for name, module in MODULES.items():
        try:
            modules[name] = import_module(f"{__name__}.{module}")
        except ModuleNotFoundError:
            continue
    return modules


def missing() -> list[str]:
    """The peers to leave out."""
    return [name for name in MODULES if name not in installed()]


def having(attribute: str) -> dict[str, ModuleType]:
    """The installed peers that have *attribute*, by name."""
    return {
        name: module
        for name, module in installed().items()
        if hasattr(module, attribute)
    }


def django_sites() -> dict[str, ModuleType]:
    """The installed peers that serve a Django site, by the row of their figures."""
    rows = {PLAIN: BARE, THEIRS: THEIRS, OURS: OURS}
    return {row: installed()[name] for row, name in rows.items() if name in installed()}


def versions() -> dict[str, str]:
    """The version of each installed library."""
    built_in = {OURS, *FLOORS}
    return {name.lower(): version(name) for name in installed() if name not in built_in}
