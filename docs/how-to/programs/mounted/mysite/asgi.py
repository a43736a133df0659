import os

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
from django_lifespan_typed.types import Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Comes first: it sets Django up, which the imports below need.
django_application = get_asgi_application()

from .lifespan import api_state, mcp  # noqa: E402
from .mounts import api  # noqa: E402


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    first = scope["path"].split("/")[1]
    if first == "api":
        # Each request gets a copy of the state, as from a server.
        scope = {**scope, "state": get_state(scope, api_state).copy()}
        await api(scope, receive, send)
    elif first == "mcp":
        await get_state(scope, mcp)(scope, receive, send)
    else:
        await django_application(scope, receive, send)


application = with_lifespan(dispatch)
