"""The books in the database."""

from __future__ import annotations

from django.db import models


class Book(models.Model):
    """A book."""

    title = models.TextField()

    def __str__(self) -> str:
        return self.title
