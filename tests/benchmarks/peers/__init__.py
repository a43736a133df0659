"""Other libraries for the same work, each used as its documentation shows."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Final

OURS: Final = "django-lifespan-typed"
PLAIN: Final = "plain Django"
BARE: Final = "bare dictionary"
FLOOR: Final = "AsyncExitStack"

# The module of each; value.py describes its content.
MODULES: Final = {
    BARE: "bare",
    OURS: "ours",
    "django-asgi-lifespan": "django_asgi_lifespan",
    "Starlette": "starlette",
    "aiohttp": "aiohttp",
    "svcs": "svcs",
    "dishka": "dishka",
    "Litestar": "litestar",
    "dependency-injector": "dependency_injector",
    FLOOR: "exit_stack",
}

# No peers: the lowest possible cost.
FLOORS: Final = (PLAIN, BARE, FLOOR)

# Names without a distribution of their own.
_BUILT_IN: Final = {OURS, *FLOORS}

# Some are measured with requests of another one.
_NEEDS: Final = {"svcs": "Starlette", "dishka": "Starlette"}


def distributions() -> list[str]:
    """The packages to install for a comparison with all peers."""
    return [name.lower() for name in MODULES if name not in _BUILT_IN]


def versions() -> dict[str, str]:
    """The installed versions; ``""`` if it is not installed."""
    return {name: _version(name) for name in distributions()}


def missing() -> list[str]:
    """The peers to leave out: they or another one they need are not installed."""
    absent = {name for name in MODULES if name not in _BUILT_IN and not _version(name)}
    return [name for name in MODULES if {name, _NEEDS.get(name, name)} & absent]


def having(attribute: str) -> dict[str, ModuleType]:
    """The installed peers that have *attribute*, by name."""
    left_out = missing()
    modules = {
        name: import_module(f"{__name__}.{module}")
        for name, module in MODULES.items()
        if name not in left_out
    }
    return {
        name: module for name, module in modules.items() if hasattr(module, attribute)
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except ModuleNotFoundError:
        return ""
