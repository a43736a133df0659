from typing import Any

from django.core.management.base import CommandParser
from mysite.lifespan import greeter

from django_lifespan_typed.commands import LifespanCommand


class Command(LifespanCommand):
    help = "Greets by name."
    only = (greeter,)  # starts this and its dependencies

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+")

    async def ahandle(self, *args: Any, **options: Any) -> str:
        greetings = [await self.state[greeter].greet(name) for name in options["names"]]
        return "".join(greetings)
