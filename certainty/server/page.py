"""The page of the server, and the Content-Security-Policy of everything that it shows in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files
from string import Template

from certainty.results import Document
from certainty.views.html import render_page
from certainty.views.language import language, language_script

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Swagger UI writes styles and is started by an inline script; it may only send requests to this server.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_INLINE = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1>", re.DOTALL)


def load_page() -> str:
    """Return the page in the first language; its script translates it into the language of the browser."""
    parts = files("certainty.server")
    words = language(None)
    script = language_script() + parts.joinpath("page.js").read_text(encoding="utf-8")
    return Template(parts.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        {key: escape(value) for key, value in words.words.items()},
        language=words.code,
        style=parts.joinpath("page.css").read_text(encoding="utf-8"),
        script=f'(() => {{\n"use strict";\n{script}}})();\n',
    )


def view_policy() -> str:
    """Return the policy of a view: only its own script, and no requests."""
    return _policy(_sample_view()) + "; sandbox allow-scripts allow-downloads"


def page_policy(page: str) -> str:
    """Return the policy of the page: its own script and style, and those of the view, whose frame inherits the policy."""
    return _policy(page + _sample_view()) + "; connect-src 'self'; form-action 'none'; frame-ancestors 'none'"


def _sample_view() -> str:
    return render_page([Document("", ())])


def _policy(html: str) -> str:
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for tag, content in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[tag].append(f"'sha256-{digest}'")
    scripts, styles = (" ".join(dict.fromkeys(hashes[tag])) or "'none'" for tag in ("script", "style"))
    # The views tint sentences with `style` attributes.
    return (
        f"default-src 'none'; base-uri 'none'; img-src data:; script-src {scripts}; "
        f"style-src-elem {styles}; style-src-attr 'unsafe-inline'"
    )
