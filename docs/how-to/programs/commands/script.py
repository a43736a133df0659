import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django.setup()

from mysite.lifespan import greeter  # noqa: E402

from django_lifespan_typed import Lifespan  # noqa: E402

lifespan = Lifespan(only=(greeter,))
with lifespan as state:
    print(lifespan.call(state[greeter].greet, "a script"), end="")
