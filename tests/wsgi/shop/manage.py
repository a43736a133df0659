"""``python -m shop.manage``."""

from __future__ import annotations

import os
import sys
import threading

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
    os.write(1, f"left, with {[t.name for t in threading.enumerate()]}\n".encode())
