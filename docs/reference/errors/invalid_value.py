from typing import Any

from django_lifespan_typed import Lifespan, StateKey, lifespan_resource

NAMES = StateKey[list[str]]("names")


def read_names() -> Any:
    return ("ada", "bob")


@lifespan_resource(NAMES)
async def names() -> list[str]:
    return read_names()


with Lifespan():
    pass
