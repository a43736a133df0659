from collections.abc import Generator
from io import TextIOWrapper
from pathlib import Path

from django_lifespan_typed import lifespan_resource


@lifespan_resource("visits_file")
def visits_file() -> Generator[TextIOWrapper]:
    with Path("visits.txt").open("a") as file:
        yield file
