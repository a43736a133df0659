"""Settings of the site that the real servers serve."""

from __future__ import annotations

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.servers.project.urls"
INSTALLED_APPS = ["tests.servers.project.apps.ProjectConfig"]
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"django_lifespan_typed": {"handlers": ["stderr"], "level": "WARNING"}},
}
