from django.tasks import task

from django_lifespan_typed import current_state

from .lifespan import greeter


@task
async def greet(name: str) -> str:
    return await current_state()[greeter].greet(name)
