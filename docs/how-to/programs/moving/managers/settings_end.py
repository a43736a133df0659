INSTALLED_APPS += ["shop"]
MIDDLEWARE += ["django_asgi_lifespan.middleware.LifespanStateMiddleware"]
