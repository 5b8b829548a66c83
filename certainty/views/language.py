"""The languages of the pages: their words, a JSON file each, and how they write counts and numbers."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from certainty.errors import CertaintyError
from certainty.views.wording import percent

LANGUAGES: tuple[str, ...] = ("en", "fr")
"""The first one is that of a page whose script, which follows the browser's language, does not run."""


class Language:
    """The words of a page in one language.

    Attributes:
        code: "en" or "fr".
        words: What is said, by key; `{name}` stands for a value.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        source = files("certainty.views") / "words" / f"{code}.json"
        self.words: dict[str, str] = json.loads(source.read_text(encoding="utf-8"))

    def say(self, key: str, **values: object) -> str:
        """Return what the key stands for, with the values in their places."""
        return self.words[key].format_map(values)

    def counted(self, key: str, n: int) -> str:
        """Return a number with its noun: "1 sentence", "0 phrase"."""
        singular = n == 1 or (self.code == "fr" and n == 0)
        return self.say(f"{key}_{'one' if singular else 'other'}", n=n)

    def percent(self, probability: float) -> str:
        """Return a whole percentage that never rounds to certainty: "87%", "87 %"."""
        return self.say("percent", n=percent(probability).removesuffix("%"))

    def number(self, value: float) -> str:
        """Return a number with at most four digits and the decimal mark of the language."""
        return f"{value:.4g}".replace(".", "," if self.code == "fr" else ".")


@cache
def language(code: str | None) -> Language:
    """Return a language; None is the one in which a page waits for its script.

    Raises:
        CertaintyError: If there is none of that code.
    """
    if code is None:
        return language(LANGUAGES[0])
    if code not in LANGUAGES:
        raise CertaintyError(f"lang is {code!r}; give 'en', 'fr', or None for the language of the reader's browser.")
    return Language(code)


@cache
def language_script() -> str:
    """Return the JavaScript that says the words of a page in one of the languages; it begins every script of ours."""
    words = json.dumps({code: language(code).words for code in LANGUAGES}, ensure_ascii=False, separators=(",", ":"))
    source = files("certainty.views") / "script" / "language.js"
    return "const WORDS = " + words.replace("<", "\\u003c") + ";\n" + source.read_text(encoding="utf-8")
