"""A model that views and tools read."""

from __future__ import annotations

from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    isbn = models.CharField(max_length=13, default="")

    def __str__(self) -> str:
        return self.title
