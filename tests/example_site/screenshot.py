"""``python -m tests.example_site.screenshot``: the README's picture of the status page."""

from __future__ import annotations

from typing import Final

from tests.browser import running_chromium
from tests.processes import ROOT

from .demo import running_demo

PICTURE: Final = ROOT / "docs" / "_static" / "status-page.png"


def main() -> None:
    """Write the picture."""
    with running_demo() as demo, running_chromium() as chromium:
        page = chromium.new_page(
            base_url=demo.url,
            color_scheme="light",
            # Wide enough for the table, and small enough for a README.
            viewport={"width": 1080, "height": 600},
            device_scale_factor=0.8,
        )
        page.goto("/lifespan/")
        page.get_by_label("Username").fill("demo")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/lifespan/")
        page.screenshot(path=PICTURE, full_page=True)


if __name__ == "__main__":
    main()
