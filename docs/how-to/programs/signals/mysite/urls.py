from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.urls import path

from .apps import MySiteConfig


def index(request: HttpRequest) -> HttpResponse:
    site = apps.get_app_config("mysite")
    assert isinstance(site, MySiteConfig)
    site.audit_log.note(f"{request.method} {request.path}")
    return HttpResponse("noted")


urlpatterns = [path("", index)]
