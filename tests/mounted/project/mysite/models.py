"""A model that a tool of the MCP server reads."""

from __future__ import annotations

from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    isbn = models.CharField(max_length=13)

    def __str__(self) -> str:
        return self.title
