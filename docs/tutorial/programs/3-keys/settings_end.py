INSTALLED_APPS += ["django_lifespan_typed", "mysite"]
ASGI_APPLICATION = "mysite.asgi.application"
BOOKS_URL = "http://127.0.0.1:8001"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "loggers": {"django_lifespan_typed": {"handlers": ["console"], "level": "INFO"}},
}
