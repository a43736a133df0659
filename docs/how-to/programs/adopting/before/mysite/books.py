from .clients import client


async def title_of(isbn: str) -> str:
    answer = await client.get(f"/books/{isbn}")
    return answer.text
