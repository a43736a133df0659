"""A test on Channels' live server, for ``manage.py test``."""

from __future__ import annotations

import json
import os
import signal
from typing import Any
from urllib.request import urlopen

from channels.testing import ChannelsLiveServerTestCase
from mysite.journal import note

if "IMPORT_FIRST" in os.environ:
    # Before the fork, with a reactor that will not run.
    import mysite.asgi  # noqa: F401


def stop_reactor(*_: object) -> None:
    from twisted.internet import reactor

    note("the project's own SIGTERM")
    stopping: Any = reactor
    stopping.callFromThread(stopping.stop)


if "OWN_SIGTERM" in os.environ:
    signal.signal(signal.SIGTERM, stop_reactor)


class LiveServerTests(ChannelsLiveServerTestCase):
    host = "127.0.0.1"

    def test_a_view_finds_the_resource(self) -> None:
        for path in ("async", "sync", "async"):
            with urlopen(f"{self.live_server_url}/{path}", timeout=60) as response:
                assert json.load(response)["state"] == "open"
