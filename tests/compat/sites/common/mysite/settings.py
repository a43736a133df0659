"""Settings of both sites."""

SECRET_KEY = "for tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["library.apps.LibraryConfig"]
MIDDLEWARE = ["django_asgi_lifespan.middleware.LifespanStateMiddleware"]
USE_TZ = True
