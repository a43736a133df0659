"""``python -m tests.example_site.screenshot`` takes the picture in the README."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.browser import running_chromium
from tests.processes import ROOT

from .demo import running_demo

PICTURE: Final = ROOT / "docs" / "_static" / "status-page.png"


def take(chromium: Browser, path: Path) -> None:
    """Write a picture of the status page of the example site."""
    with (
        running_demo() as demo,
        chromium.new_page(
            base_url=demo.url,
            color_scheme="light",
            # Wide enough for the table, and small enough for a README.
            viewport={"width": 1080, "height": 600},
            device_scale_factor=0.8,
        ) as page,
    ):
        page.goto("/lifespan/")
        page.get_by_label("Username").fill("demo")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/lifespan/")
        page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    with running_chromium() as browser:
        take(browser, PICTURE)
