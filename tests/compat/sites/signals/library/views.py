"""Reads the client from the configuration of the application."""

from django.apps import apps
from django.http import HttpResponse


async def book(request):
    answer = await apps.get_app_config("library").books.get("http://books/")
    return HttpResponse(answer.text)
