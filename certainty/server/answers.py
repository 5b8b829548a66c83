"""Build the body of an answer."""

from __future__ import annotations

import json
from typing import Any

from certainty.results import Document
from certainty.server.schemas import Choices
from certainty.views.records import document_record


def chosen(document: Document, choices: Choices) -> Document:
    """Return the document with only the sentences that the request asks for."""
    return document.filter(claims_only=True) if choices.claims_only else document


def answer(document: Document, choices: Choices) -> dict[str, Any]:
    """Return a document as a dict, with the choices of the request applied."""
    return document_record(chosen(document, choices), choices.min_confidence)


def encoded(content: Any) -> bytes:
    """Return content as JSON."""
    try:
        return json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate can only be sent escaped
        return json.dumps(content).encode()
