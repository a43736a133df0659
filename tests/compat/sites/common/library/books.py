"""A client that needs no network, and prints when it opens and closes."""

import httpx


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="Middlemarch")


class BookClient(httpx.AsyncClient):
    def __init__(self):
        super().__init__(transport=httpx.MockTransport(answer))
        print("opened", flush=True)

    async def aclose(self):
        await super().aclose()
        print("closed", flush=True)
