"""A signal receiver that logs after startup."""

from __future__ import annotations

import logging

from django.dispatch import receiver

from django_lifespan_typed import LifespanState
from django_lifespan_typed.signals import asgi_startup

from .keys import BOOK_SERVICE

logger = logging.getLogger(__name__)


@receiver(asgi_startup)
def log_the_book_service(*, state: LifespanState, **kwargs: object) -> None:
    """Log the URL of the book service: the port differs from run to run."""
    service = state.get(BOOK_SERVICE)
    # A test that overrides the client does not start it.
    if service is not None:
        logger.info("books come from %s", service.url)
