"""Read the annotation guideline that is shown to annotators."""

from __future__ import annotations

from importlib.resources import files


def guideline() -> str:
    """Return the one-page guideline followed by the full one, as Markdown."""
    return short_guideline() + "\n---\n\n" + full_guideline()


def short_guideline() -> str:
    """Return the one-page guideline, as Markdown."""
    return _read("guideline.md")


def full_guideline() -> str:
    """Return the full guideline with all cases, as Markdown."""
    return _read("guideline_full.md")


def _read(name: str) -> str:
    return (files("certainty.labelling") / name).read_text(encoding="utf-8")
