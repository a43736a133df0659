"""A project with Celery workers, which run as processes of their own."""

from .celery import app as celery_app

__all__ = ["celery_app"]
