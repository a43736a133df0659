"""The how-to of the status page, run."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Final

from django.test import override_settings
from django.urls import reverse

from django_lifespan_typed.views import status_page
from tests.processes import ROOT

from .conftest import SITE, Serve, log_in, manage

HOW_TO: Final = (ROOT / "docs/how-to/status-page.md").read_text()
MOUNTED, REGISTERED = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)


def test_it_is_mounted_as_the_how_to_says() -> None:
    """The URLs of the how-to lead to the page."""
    urls = ModuleType("mysite_urls")
    exec(MOUNTED, urls.__dict__)

    with override_settings(ROOT_URLCONF=urls):
        addresses = reverse("lifespan-status"), reverse(status_page)

    assert addresses == ("/lifespan/", "/lifespan/")


def test_a_site_of_ones_own_lists_it() -> None:
    """What the how-to registers is found by that admin site, and by its checks."""
    before = "from django.contrib.admin import AdminSite; my_admin_site = AdminSite()\n"
    after = (
        "\nprint([str(url.pattern) for url in my_admin_site.urls[0]])"
        "\nprint(my_admin_site.check(None))"
    )

    said = manage(SITE, "shell", "-c", before + REGISTERED + after)

    *_, patterns, complaints = said.splitlines()
    assert "'django_lifespan_typed/lifespanstatus/'" in patterns
    assert complaints == "[]"


def test_the_policy_is_the_one_that_is_sent(serve: Serve) -> None:
    """The how-to quotes the page's Content-Security-Policy."""
    with serve() as browser:
        log_in(browser, "staff")

        sent = browser.get("/lifespan/").headers["content-security-policy"]

    assert re.sub(r"sha256-[^']+", "sha256-…", sent) in HOW_TO.splitlines()


def test_the_extra_is_there() -> None:
    """The how-to and the page name an extra that the package has."""
    project = (ROOT / "pyproject.toml").read_text()

    assert 'pip install "django-lifespan-typed[status]"' in HOW_TO
    assert re.search(r'^status = \["igraph>=1\.0"\]$', project, re.MULTILINE)
