import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "mysite"),
    },
}
PRICES_URL = os.environ.get("PRICES_URL", "https://prices.example.com/feed")
