from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


class Greeter:
    def __init__(self) -> None:
        self.greeted = 0

    async def greet(self, name: str) -> str:
        self.greeted += 1
        return f"Hello, {name}! You are number {self.greeted}.\n"


@lifespan_resource("greeter")
async def greeter() -> AsyncGenerator[Greeter]:
    yield Greeter()
