from django.conf import settings

from django_lifespan_typed import Lifespan

settings.LIFESPAN = {"STOP_TIMOUT": 5}

with Lifespan():
    pass
