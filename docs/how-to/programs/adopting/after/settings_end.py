INSTALLED_APPS += ["django_lifespan_typed"]
ASGI_APPLICATION = "mysite.asgi.application"
TEST_RUNNER = "django_lifespan_typed.testing.LifespanTestRunner"
