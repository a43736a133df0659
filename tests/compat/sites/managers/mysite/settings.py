"""Settings of a site that registers a context manager."""

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["library.apps.LibraryConfig"]
MIDDLEWARE = ["django_asgi_lifespan.middleware.LifespanStateMiddleware"]
USE_TZ = True
