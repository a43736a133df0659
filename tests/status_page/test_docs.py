"""The how-to of the status page."""

from __future__ import annotations

import base64
import hashlib
import re
from types import ModuleType
from typing import Final

from django.test import override_settings
from django.urls import reverse

from django_lifespan_typed.views import status_page
from tests.processes import ROOT

from .conftest import Serve, Show, log_in

HOW_TO: Final = (ROOT / "docs/how-to/status-page.md").read_text("utf-8")


def test_the_urls_of_the_how_to_mount_the_page() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)
    urls = ModuleType("mysite_urls")
    exec(block, urls.__dict__)

    with override_settings(ROOT_URLCONF=urls):
        assert reverse("lifespan-status") == reverse(status_page) == "/lifespan/"


def test_the_template_of_the_how_to_links_the_page_from_the_admin(serve: Serve) -> None:
    link = '<a href="/lifespan/">Lifespan</a>'
    with serve() as browser:
        login = browser.get("/admin/login/")
        log_in(browser, "staff")
        index = browser.get("/admin/")

    assert login.status_code == index.status_code == 200
    assert link not in login.text
    assert link in index.text


def test_the_policy_of_the_how_to_allows_the_style_and_nothing_else(show: Show) -> None:
    response = show()

    page, policy = response.content.decode(), response["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.replace(digest, "…") in HOW_TO.splitlines()
    assert "<script" not in page
    assert not re.search(r"<[^>]+\s(on\w+|style)=", page)
