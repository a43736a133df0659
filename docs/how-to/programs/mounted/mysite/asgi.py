import os

from django_lifespan_typed import get_state
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
from django_lifespan_typed.types import Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# First, for it sets up Django, which what is imported below needs.
django_application = get_asgi_application()

from .lifespan import api_state, mcp_state  # noqa: E402
from .mounts import api, mcp_app  # noqa: E402

MOUNTED = {"/api": (api, api_state), "/mcp": (mcp_app, mcp_state)}


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    first = "/".join(scope["path"].split("/")[:2])
    if first in MOUNTED:
        app, state = MOUNTED[first]
        # A copy for each request, as a server makes one.
        scope = {**scope, "state": get_state(scope, state).copy()}
        await app(scope, receive, send)
    else:
        await django_application(scope, receive, send)


application = with_lifespan(dispatch)
