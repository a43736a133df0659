import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from django_lifespan_typed.asgi import get_asgi_application, with_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Comes first: it sets Django up, which the imports below need.
django_application = get_asgi_application()

from .consumers import Greetings  # noqa: E402

application = with_lifespan(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": URLRouter([path("greetings", Greetings.as_asgi())]),
        }
    )
)
