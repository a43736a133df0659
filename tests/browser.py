"""A headless Chromium for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS: Final = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 740)

# Finds text below the contrast and size that WCAG 2 AA asks for.
_CONTRAST: Final = Path(__file__).with_name("contrast.js").read_text("utf-8")
_WIDTH: Final = "document.documentElement.scrollWidth"


@contextmanager
def running_chromium() -> Generator[Browser]:
    """Start the Chromium of this machine; without one, skip the test, or fail in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = "Chromium is not installed: apt-get install chromium"
        (pytest.fail if "CI" in os.environ else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def unreadable(page: Page) -> list[object]:
    """List text with low contrast, and the screens that are too narrow for *page*."""
    found: list[object] = []
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if page.evaluate(_WIDTH) > width:
                found.append((page.url, f"is wider than {width} px"))
            found += [(page.url, scheme, low) for low in page.evaluate(_CONTRAST)]
    return found
