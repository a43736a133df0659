INSTALLED_APPS += ["django_lifespan_typed", "mysite"]
ASGI_APPLICATION = "mysite.asgi.application"
