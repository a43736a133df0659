"""Configuration of Sphinx: `make docs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from sphinx.pycode import ModuleAnalyzer

import django_lifespan_typed

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

# autodoc imports modules that need their apps.
settings.configure(
    STATIC_URL="static/",
    INSTALLED_APPS=[
        "django.contrib.staticfiles",
        "debug_toolbar",
        "django_lifespan_typed",
    ],
)
django.setup()

PACKAGE = "django_lifespan_typed"

project = "django-lifespan-typed"
author = "The django-lifespan-typed authors"
version = release = django_lifespan_typed.__version__
project_copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
exclude_patterns = [
    "_build",
    "explanation/_*",
    "reference/servers-table.md",
    "tutorial/programs",
]
nitpicky = True

# --- Pages

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"
# Python if it parses as Python, otherwise plain text, without a warning.
highlight_language = "default"
linkcheck_ignore = [r"http://127\.0\.0\.1"]

# --- Reference

add_module_names = False
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
maximum_signature_line_length = 120
python_use_unqualified_type_names = True

# Local inventories: the build contacts no other machine.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", "_inventories/python.txt"),
    "django": ("https://docs.djangoproject.com/en/stable", "_inventories/django.txt"),
}
# Type variables, and types in signatures that have no page of their own.
nitpick_ignore_regex = [
    ("py:.*", r"(.*\.)?[A-Z]"),
    ("py:class", r"(celery|debug_toolbar|opentelemetry|pytest|typing_extensions)\..*"),
    ("py:class", "Redis"),
]
# The name in an annotation, and the name in that project's documentation.
DOCUMENTED_AS = {
    "asyncio.events.AbstractEventLoop": "asyncio.AbstractEventLoop",
    "django.core.checks.messages.CheckMessage": "django.core.checks.CheckMessage",
    "django.http.request.HttpRequest": "django.http.HttpRequest",
    "django.http.response.HttpResponseBase": "django.http.HttpResponseBase",
}

# --- HTML

html_theme = "furo"
html_title = project
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_logo": "favicon.svg",
    "dark_logo": "favicon.svg",
    "light_css_variables": {
        "color-brand-primary": "#0c6b4f",
        "color-brand-content": "#0c6b4f",
        "toc-font-size": "0.8rem",
        "toc-title-font-size": "0.75rem",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5fd3ab",
        "color-brand-content": "#5fd3ab",
    },
}


def find_elsewhere(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element
) -> Element | None:
    """Resolve a name of an annotation to the name under which it is documented."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py":
        return None
    # Intersphinx runs after this.
    node["reftarget"] = DOCUMENTED_AS.get(target, target)
    # Older releases of Sphinx leave a type alias as a bare name.
    if "." in target and not target.startswith(f"{PACKAGE}._"):
        return None
    last = target.rpartition(".")[2]
    for name in env.domains.python_domain.objects:
        if name.startswith(PACKAGE) and name.rpartition(".")[2] == last:
            return env.domains.python_domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", name, node, content
            )
    return None


# Users receive these objects from the package, and do not create them.
MADE_BY_US = {"LifespanSender", "LifespanStatus", "LifespanStatusAdmin", "Resource"}
MADE_BY_US |= {"LifespanTask", "ResourceHealth", "ResourceStatus", "Location"}


def without_signature(
    app: Sphinx, what: str, name: str, *about: object
) -> tuple[str, str] | None:
    """Hide the constructor of exceptions and of objects that users only receive."""
    is_received = what == "exception" or name.rpartition(".")[2] in (MADE_BY_US)
    _documented, _options, signature, _returned = about
    return ("", "") if is_received and signature is not None else None


def without_private_bases(
    app: Sphinx, name: str, obj: type, options: object, bases: list[type]
) -> None:
    """Leave private classes out of the bases of a class."""
    bases[:] = [base for base in bases if not base.__name__.startswith("_")]


def without_overloads() -> None:
    """Show one signature of the functions that have dozens of overloads."""
    for module, function in (
        ("_declare.decorator", "lifespan_resource"),
        ("_tasks.decorator", "lifespan_task"),
    ):
        analyzer = ModuleAnalyzer.for_module(f"{PACKAGE}.{module}")
        analyzer.analyze()
        del analyzer.overloads[function]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    without_overloads()
    app.connect("autodoc-process-signature", without_signature)
    app.connect("autodoc-process-bases", without_private_bases)
    app.connect("missing-reference", find_elsewhere, priority=400)
