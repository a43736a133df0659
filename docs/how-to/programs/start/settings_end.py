INSTALLED_APPS += ["django_lifespan_typed", "mysite"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        # What starts and stops, and how long it takes.
        "django_lifespan_typed": {
            "handlers": ["console"],
            "level": "INFO",
            "propagate": False,
        },
    },
}
