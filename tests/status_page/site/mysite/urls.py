"""The status page, the admin, and a way to log in without a form."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from django_lifespan_typed.views import status_page


def enter(request: HttpRequest, name: str) -> HttpResponse:
    login(request, get_user_model().objects.get(username=name))
    return HttpResponse(f"Welcome, {name}")


enter.__dict__["login_required"] = False

urlpatterns: list[URLPattern | URLResolver] = [
    path("enter/<name>/", enter),
    path("lifespan/", status_page, name="lifespan-status"),
]
if apps.is_installed("django.contrib.admin"):
    urlpatterns.append(path("admin/", admin.site.urls))
