"""Creates the database of the demo, with a staff user."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

NAME: Final = "demo"
PASSWORD: Final = "demo"


class Command(BaseCommand):
    help = "Migrate the database, and create the user demo with the password demo."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if not User.objects.filter(username=NAME).exists():
            User.objects.create_superuser(NAME, password=PASSWORD)
        self.stdout.write(f"Staff pages: log in as {NAME}, password {PASSWORD}")
