"""System checks: what would go wrong at the start, said before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.core.checks import CheckMessage, Tags, register

from ._checks_applications import asgi_application, check_applications
from ._checks_code import forget
from ._checks_plan import check_registry, check_settings
from ._checks_request_state import check_request_state
from ._registry import Registry, default_registry
from .signals import asgi_lifespan, asgi_shutdown, asgi_startup

__all__ = ["TAG", "check_lifespan", "register_checks"]

TAG: Final = "lifespan"
"""What ``manage.py check --tag`` takes."""


def register_checks() -> None:
    """Let Django run the checks; ``"django_lifespan_typed"`` in its apps does it."""
    register(check_lifespan, TAG, Tags.async_support)


def check_lifespan(**_: object) -> list[CheckMessage]:
    """
    Everything that docs/reference/checks.md describes.

    Imports what ``ASGI_APPLICATION`` names, and the URLconf, as Django's own checks
    do; starts nothing.
    """
    # First, for asgi.py is one of the places that declare resources, views another.
    asgi = asgi_application()
    uses = _request_state()
    registries = [default_registry]
    own = None if asgi is None else asgi.registry
    if own is not None and own is not default_registry:
        registries.append(own)
    registered = [name for registry in registries for name in _names(registry)]
    if any(signal.receivers for signal in (asgi_startup, asgi_lifespan, asgi_shutdown)):
        registered.append("signal receivers")
    return [
        *check_settings(),
        *(found for registry in registries for found in check_registry(registry)),
        *check_applications(asgi, registered),
        *(uses if registered else ()),
    ]


def _names(registry: Registry) -> Iterator[str]:
    for resource in (*registry, *registry.managers):
        yield resource.name


def _request_state() -> list[CheckMessage]:
    try:
        return list(check_request_state())
    except Exception:  # noqa: BLE001 - code of others, whatever it is, is no reason to fail
        return []
    finally:
        forget()
