from collections.abc import AsyncGenerator, Generator
from io import TextIOWrapper
from pathlib import Path

from django_lifespan_typed import lifespan_resource

from .keys import GUEST_BOOK


class FileGuestBook:
    def __init__(self, file: TextIOWrapper) -> None:
        self.file = file
        self.visits = 0

    def sign(self, name: str) -> int:
        self.visits += 1
        self.file.write(f"{name}\n")
        return self.visits


@lifespan_resource("visits_file")
def visits_file() -> Generator[TextIOWrapper]:
    path = Path("data/visits.txt")
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        yield file


@lifespan_resource(GUEST_BOOK, needs=(visits_file,))
async def guest_book(file: TextIOWrapper) -> AsyncGenerator[FileGuestBook]:
    yield FileGuestBook(file)
