"""Django's commands for the library: ``python example_site/manage.py check``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command that ``sys.argv`` names."""
    # Python puts this file's directory first on the path, where `library` could
    # be imported by a second name. Use its parent instead.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
