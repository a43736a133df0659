import tempfile
from pathlib import Path
from types import SimpleNamespace

from django.test import SimpleTestCase

from .receivers import Receivers


class ReceiverTests(SimpleTestCase):
    async def test_notes_the_start_and_the_stop(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audit.log"
            receivers = Receivers(SimpleNamespace(), path)

            await receivers.startup(state={"greeter": object()})
            await receivers.shutdown()

            self.assertEqual(path.read_text("utf-8"), "up with greeter\ndown\n")
