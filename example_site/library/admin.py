"""The reading list in the admin."""

from __future__ import annotations

from django.contrib import admin

from .models import Entry

admin.site.register(Entry)
