"""The reading list."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(
                        help_text="Its number in the catalogue.", unique=True
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("added", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "entry of the reading list",
                "verbose_name_plural": "reading list",
                "ordering": ("-added",),
            },
        ),
    )
