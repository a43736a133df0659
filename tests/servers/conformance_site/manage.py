"""Django's command line, as startproject writes it, and what is left after it."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line
from shop.journal import note_what_runs

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
    note_what_runs()
