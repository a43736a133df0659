"""System checks of the lifespan, for ``manage.py check``."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register

from .._declare.registry import Registry, default_registry
from ..signals import LifespanSender, asgi_lifespan, asgi_shutdown, asgi_startup
from .applications import check_application, configured_application
from .project_settings import check_middleware, check_settings
from .resources import check_registry
from .urlconf import check_urlconf

__all__ = ["TAG", "check_lifespan", "register_checks"]

TAG: Final = "lifespan"
"""The tag that selects these checks: ``manage.py check --tag lifespan``."""


def register_checks() -> None:
    """Register the checks with Django; ``LifespanConfig.ready()`` calls this."""
    register(check_lifespan, TAG, Tags.async_support)


def check_lifespan(**_: object) -> list[CheckMessage]:
    """
    Return the messages of all checks of the lifespan.

    Imports the application that ``ASGI_APPLICATION`` names and the URLconf, because
    their modules may declare resources. Starts nothing.
    """
    application = configured_application()
    with suppress(Exception):  # Django's own checks report a broken URLconf
        import_module(settings.ROOT_URLCONF)

    registries = [default_registry]
    own = application.registry if application else None
    if own is not None and own is not default_registry:
        registries.append(own)
    is_complete = bool(getattr(settings, "ASGI_APPLICATION", None))
    messages = [*check_settings()]
    for registry in registries:
        messages += check_registry(registry, is_complete=is_complete)
    if application:
        messages += check_application(application, _registered(registries))
    messages += check_middleware(registries)
    messages += check_urlconf(registries, application)
    return messages


def _registered(registries: list[Registry]) -> list[str]:
    names = [
        repr(resource.name)
        for registry in registries
        for resource in (*registry, *registry.managers)
    ]
    if any(
        signal.has_listeners(LifespanSender)
        for signal in (asgi_startup, asgi_lifespan, asgi_shutdown)
    ):
        names.append("receivers of the lifespan signals")
    return names
