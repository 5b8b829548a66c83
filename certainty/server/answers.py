"""What a request is answered with."""

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
    """Return the record of a document as the request asks for it."""
    return document_record(chosen(document, choices), choices.min_confidence)


def encoded(content: Any) -> bytes:
    """Return JSON."""
    try:
        return json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate: escaped, it can be sent
        return json.dumps(content).encode()
