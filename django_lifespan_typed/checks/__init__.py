"""System checks: what would go wrong at the start, said before it."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from django.core.checks import CheckMessage, Tags, register

from .._declare.registry import Registry, default_registry
from ..signals import asgi_lifespan, asgi_shutdown, asgi_startup
from .applications import (
    asgi_application,
    check_applications,
    is_served_by_asgi,
    wsgi_application,
)
from .declared import check_registry, check_settings
from .request_state import check_request_state, views_of_urlconf
from .source_code import forget

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
    with suppress(Exception):  # Django's own checks say what is wrong with it
        views_of_urlconf()
    # wsgi.py may declare some too. An asgi.py that no setting names is not imported:
    # then there may be more resources than are known here.
    is_known = asgi is not None or not is_served_by_asgi()
    is_wsgi = asgi is None and is_known and _registered([default_registry])
    wsgi = wsgi_application() if is_wsgi else None

    registries = [default_registry]
    for application in (asgi, wsgi):
        own = None if application is None else application.registry
        if own is not None and own not in registries:
            registries.append(own)
    registered = _registered(registries)
    return [
        *check_settings(),
        *(
            found
            for registry in registries
            for found in check_registry(registry, is_complete=is_known)
        ),
        *check_applications(asgi, wsgi, registered),
        *(_request_state() if registered else ()),
    ]


def _registered(registries: list[Registry]) -> list[str]:
    names = [
        resource.name
        for registry in registries
        for resource in (*registry, *registry.managers)
    ]
    if any(signal.receivers for signal in (asgi_startup, asgi_lifespan, asgi_shutdown)):
        names.append("signal receivers")
    return names


def _request_state() -> list[CheckMessage]:
    try:
        return list(check_request_state())
    except Exception:  # code of others, whatever it is, is no reason to fail
        return []
    finally:
        forget()
