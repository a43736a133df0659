"""The link from the admin's index to the status page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.apps.registry import Apps
from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse

from ._compat import override
from .status_page.page import is_active_staff
from .views import status_page

if TYPE_CHECKING:
    _ModelAdmin: TypeAlias = admin.ModelAdmin["LifespanStatus"]
else:
    _ModelAdmin = admin.ModelAdmin

__all__ = ["LifespanStatus", "LifespanStatusAdmin"]


class LifespanStatus(models.Model):
    """
    What the admin lists; there is no table.

    It is in a registry of its own, as the record of migrations is: there is nothing
    to migrate, and neither a content type nor a permission.
    """

    class Meta:
        """How it is listed."""

        apps: Apps = Apps()
        app_label = "django_lifespan_typed"
        managed = False
        verbose_name = "status"
        verbose_name_plural = "status"

    @override
    def __str__(self) -> str:
        return "status"


@admin.register(LifespanStatus)
class LifespanStatusAdmin(_ModelAdmin):
    """Leads to the status page, where that is mounted, those who may see it."""

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @override
    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_active_staff(request.user) and _address() is not None

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def get_urls(self) -> list[URLPattern]:
        meta = self.opts
        name = f"{meta.app_label}_{meta.model_name}_changelist"
        view = self.admin_site.admin_view(self.lead)
        return [path("", view, name=name)]

    def lead(self, request: HttpRequest) -> HttpResponseRedirect:
        """Redirect to the status page; raises ``Http404`` where it is not mounted."""
        address = _address()
        if address is None:
            raise Http404(
                'Write: path("lifespan/", status_page, name="lifespan-status")'
            )
        return HttpResponseRedirect(address)


def _address() -> str | None:
    targets: tuple[Any, ...] = ("lifespan-status", status_page)
    for target in targets:
        try:
            return reverse(target)
        except NoReverseMatch:
            continue
    return None
