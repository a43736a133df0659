"""The ASGI application of a Django project that has a lifespan."""

from __future__ import annotations

import django

from ._registry import Registry
from .handler import LifespanASGIHandler

__all__ = ["get_asgi_application"]


def get_asgi_application(registry: Registry | None = None) -> LifespanASGIHandler:
    """
    Django's ``get_asgi_application``, with a lifespan::

        application = get_asgi_application()

    *registry* is what the lifespan starts; the default one unless told otherwise.
    """
    django.setup(set_prefix=False)
    return LifespanASGIHandler(registry)
