"""Settings of a site that connects receivers to the signals."""

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["library.apps.LibraryConfig"]
USE_TZ = True
