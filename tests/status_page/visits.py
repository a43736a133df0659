"""
Visits to the scratch project without a server, in a process that ends by itself.

``python -m tests.status_page.visits staff runs /lifespan/`` prints a line of JSON for
each address; ``-`` is nobody, and with ``stopped`` no lifespan runs.
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext

import django
from django.test import Client

from django_lifespan_typed import Lifespan


def main(who: str, lifespan: str, *urls: str) -> None:
    client = Client(SERVER_NAME="127.0.0.1")
    if who != "-":
        client.get(f"/enter/{who}/")
    with Lifespan() if lifespan == "runs" else nullcontext():
        for url in urls:
            page = client.get(url)
            shown = {
                "status": page.status_code,
                "location": page.headers.get("location"),
                "text": page.content.decode(),
            }
            print(json.dumps(shown))


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
