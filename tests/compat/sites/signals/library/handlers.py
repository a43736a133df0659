"""The receivers: bound methods of an object with no other reference."""

from library.books import BookClient
from library.types import HasBooks


class SignalHandler:
    def __init__(self, app_config: HasBooks):
        self.app_config = app_config

    async def startup(self, **_):
        self.app_config.books = BookClient()

    async def shutdown(self, **_):
        await self.app_config.books.aclose()
