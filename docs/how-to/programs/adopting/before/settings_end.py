import os

BOOKS_URL = os.environ.get("BOOKS_URL", "http://127.0.0.1:8001")
INSTALLED_APPS += ["mysite"]
