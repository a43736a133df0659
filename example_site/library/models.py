"""The reading list in the database; books come from the book service."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import models

LONGEST_NOTE: Final = 200


class Entry(models.Model):
    """A book on the reading list."""

    number: models.PositiveIntegerField[int, int] = models.PositiveIntegerField(
        unique=True, help_text="Its number in the catalogue."
    )
    note: models.CharField[str, str] = models.CharField(
        max_length=LONGEST_NOTE, blank=True
    )
    added: models.DateTimeField[datetime, datetime] = models.DateTimeField(
        auto_now_add=True
    )

    class Meta:
        """The latest first."""

        ordering = ("-added",)
        verbose_name = "entry of the reading list"
        verbose_name_plural = "reading list"

    def __str__(self) -> str:
        return f"Book {self.number}"
