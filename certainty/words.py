"""The words of a French text, and which of them explain nothing by themselves."""

from __future__ import annotations

import re

_LETTERS = r"(?:\w|\u00ad|&\#?\w+;)+"  # a soft hyphen or an HTML entity stands within a word
# A pronoun after a verb is a word of its own ("a-t-elle", "dit-on"), unless the compound goes on ("Aulnay-en-Bray").
_ENCLITIC = r"(?:t-)?(?:je|ils?|elles?|on|nous|vous|ce|moi|toi|lui|leur|les?|la|y|en)\b(?!-)"
_WHOLE = r"(?:aujourd|quelqu|prud)['’]\w+"
_WORD = re.compile(rf"{_WHOLE}|{_LETTERS}(?:-(?!{_ENCLITIC}){_LETTERS})*['’]?", re.IGNORECASE)

# What stands before a capitalised word that does not begin a sentence or a quotation; "M. Dupont" is not two sentences.
_WITHIN = re.compile(r"(?:[\w,'’-]|\b[A-ZÀ-Ý]\w{0,2}\.)\Z")
_SPACES = 200  # characters before the word, most of which may be white space
_BEFORE = 5  # characters before the word that the pattern looks at

# Determiners, prepositions, pronouns, conjunctions, and auxiliaries in the indicative. Missing on purpose are those
# that mark commitment: negations ("pas", "ni", "sans", "aucun"), "si", "selon", "moi" ("pour moi"), and conditionals.
_FUNCTION_WORD = re.compile(
    r"""(?:
    le|la|les|l|une?|des|du|de|d|aux?|ce|cette?|ces|mon|ma|mes|ton|ta|tes|son|sa|ses|[nv]otre|[nv]os|leurs?
    |à|en|dans|par|pour|sur|sous|avec|chez|vers|entre|depuis|dès|pendant|contre
    |je?|tu|ils?|elles?|on|nous|vous|me?|te?|se?|lui|y|ne?
    |qui|que|qu|quoi|dont|où|lequel|laquelle|lesquel(?:le)?s
    |et|ou|or|car|donc|mais|comme|quand|lorsque|lorsqu|puisque|puisqu
    |c|cela|ça|ceci|là|celui|celles?|ceux
    |ai|as|a|avons|avez|ont|avai[st]|avions|aviez|avaient|été|eu|ayant|avoir
    |suis|es|est|sommes|êtes|sont|étai[st]|étions|étiez|étaient|étant|être
    )['’]?""",
    re.VERBOSE | re.IGNORECASE,
)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return the character span (start, end) of each word, in order.

    An elided word ends with its apostrophe; a compound with hyphens is one word; punctuation belongs to none.
    """
    return [match.span() for match in _WORD.finditer(text)]


def is_empty_word(text: str, start: int, end: int) -> bool:
    """Return whether a word explains nothing by itself: a function word, or a name within a sentence.

    A name is a capitalised word; at the beginning of a sentence or quotation, it cannot be told from other words.
    """
    word = text[start:end]
    if _FUNCTION_WORD.fullmatch(word):
        return True
    if not word[0].isupper() or word.isupper():
        return False
    return _WITHIN.search(text[max(0, start - _SPACES) : start].rstrip()[-_BEFORE:]) is not None
