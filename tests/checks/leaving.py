"""An asgi.py that ends the process."""

raise SystemExit("no PORT")
