"""What the project's own ``manage.py test`` runs, on Channels' live server."""

from __future__ import annotations

import json
import os
from urllib.request import urlopen

from channels.testing import ChannelsLiveServerTestCase

if "IMPORT_FIRST" in os.environ:
    # Before the fork: the application meets a reactor that will not run.
    import mysite.asgi  # noqa: F401


class LiveServerTests(ChannelsLiveServerTestCase):
    host = "127.0.0.1"

    def test_a_view_finds_the_resource(self) -> None:
        for path in ("async", "sync", "async"):
            with urlopen(f"{self.live_server_url}/{path}", timeout=60) as response:
                assert json.load(response)["state"] == "open"
