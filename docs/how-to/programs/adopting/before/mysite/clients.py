import httpx
from django.conf import settings

client = httpx.AsyncClient(base_url=settings.BOOKS_URL)
