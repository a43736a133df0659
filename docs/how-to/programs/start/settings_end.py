INSTALLED_APPS += ["django_lifespan_typed", "mysite"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        # Logs each startup and shutdown, with its time.
        "django_lifespan_typed": {
            "handlers": ["console"],
            "level": "INFO",
            "propagate": False,
        },
    },
}
