"""Django's command line; prints what runs when it ends."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    execute_from_command_line(sys.argv)
    from mysite.journal import note_what_runs

    if "runserver" not in sys.argv:
        note_what_runs()
