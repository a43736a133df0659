import json
from pathlib import Path

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "mysite"
    prices: dict[str, str]

    def ready(self) -> None:
        self.prices = json.loads(Path("prices.json").read_text())
