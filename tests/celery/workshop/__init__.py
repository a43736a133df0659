"""A project with a Celery worker, which runs in processes of its own."""

from .celery import app as celery_app

__all__ = ["celery_app"]
