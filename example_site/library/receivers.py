"""A signal receiver: what the library says when everything has started."""

from __future__ import annotations

import logging

from django.dispatch import receiver

from django_lifespan_typed import LifespanState
from django_lifespan_typed.signals import asgi_startup

from .keys import BOOK_SERVICE

logger = logging.getLogger(__name__)


@receiver(asgi_startup)
def say_where_books_come_from(*, state: LifespanState, **kwargs: object) -> None:
    """Log the URL of the book service: the port differs from run to run."""
    service = state.get(BOOK_SERVICE)
    # A test that fakes the client has none.
    if service is not None:
        logger.info("books come from %s", service.url)
