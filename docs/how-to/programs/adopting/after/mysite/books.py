from django_lifespan_typed import current_state

from .lifespan import http_client


async def title_of(isbn: str) -> str:
    client = current_state()[http_client]
    answer = await client.get(f"/books/{isbn}")
    return answer.text
