"""What a user would pick instead, each as its own documentation does it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Final

OURS: Final = "django-lifespan-typed"
PLAIN: Final = "plain Django"
BARE: Final = "bare dictionary"
FLOOR: Final = "AsyncExitStack"

# Each is a module here; see value.py for what it may have.
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

# What is no peer, but the least that anything can cost.
FLOORS: Final = (PLAIN, BARE, FLOOR)

# Names that are no distributions: they come with Python, Django, or us.
_BUILT_IN: Final = {OURS, *FLOORS}

# On whose requests a peer is measured, so that both must be there.
_STANDS_ON: Final = {"svcs": "Starlette", "dishka": "Starlette"}


def distributions() -> list[str]:
    """The packages to install for a comparison with all peers."""
    return [name.lower() for name in MODULES if name not in _BUILT_IN]


def versions() -> dict[str, str]:
    """What is compared, as installed; ``""`` for what is not."""
    return {name: _version(name) for name in distributions()}


def missing() -> list[str]:
    """Peers that are not installed, or not what they stand on: they are left out."""
    absent = {name for name in MODULES if name not in _BUILT_IN and not _version(name)}
    return [name for name in MODULES if {name, _STANDS_ON.get(name, name)} & absent]


def having(attribute: str) -> dict[str, ModuleType]:
    """The installed peers that can do *attribute*, by name."""
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
