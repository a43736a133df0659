INSTALLED_APPS += ["django_lifespan_typed", "shop"]
