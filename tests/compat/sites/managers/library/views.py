"""Reads the client from the request."""

from django.http import HttpResponse


async def book(request):
    answer = await request.state["books"].get("http://books/")
    return HttpResponse(answer.text)
