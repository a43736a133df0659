INSTALLED_APPS = ["daphne", *INSTALLED_APPS]

ASGI_APPLICATION = "mysite.asgi.application"
