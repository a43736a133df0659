from asgiref.sync import async_to_sync
from celery import shared_task

from django_lifespan_typed import current_state

from .lifespan import greeter


@shared_task
def greet(name: str) -> str:
    return async_to_sync(current_state()[greeter].greet)(name)
