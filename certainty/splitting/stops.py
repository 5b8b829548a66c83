"""Find where sentences end within a block, by checking each stop (`. ! ? … ;` and any closing marks after it).

The text after the stop decides and, for a full stop, also the word before it: abbreviations, initials and list numbers
do not end a sentence. Each check looks at a limited number of characters before and after the stop, so the time is
linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from certainty.splitting.abbreviations import BOOKS, STARTERS, TITLES, UNCAPITALISED, is_abbreviated

__all__ = ["Span", "split_block"]

Span = tuple[int, int]

_EMOJI = (
    "\u2600-\u2604\u2614\u2615\u2618\u261d\u2620\u2639\u263a\u2665\u26a0-\u26ff\u2705\u270a-\u270d\u2728\u274c"
    "\u2753-\u2757\u2764\u2b50\U0001f000-\U0001faff"
)
_RAISED = "¹²³⁰⁴-⁹"
_BULLETS = "•▪►■●"
_OPENERS = "([" + _BULLETS
# The pattern begins with a set of characters, so that `re` can skip quickly to the next candidate.
_STOP = re.compile(
    rf"""
    [.!?…‼‽⁇⁈⁉;:(\[{_BULLETS}{_EMOJI}]
    (?: (?<= [.!?…‼‽⁇⁈⁉] ) [.!?…‼‽⁇⁈⁉]* (?: \s [!?…]{{1,9}} ){{0,9}}
      | (?<= ; )
      | (?<= : ) (?= \s{{1,9}} [-–—•] \s{{1,9}} \D )            # before a list or a dialogue
      | (?<= [(\[] ) (?: \.{{2,4}} | … ) [)\]]                  # (...): omitted words
      | (?<= [{_BULLETS}] ) (?= \s )
      | (?<= [{_EMOJI}] ) [{_EMOJI}]* )
    (?: \s? [»›”)\]}}] | ["'’] (?=\s)
      | \s? \[\d{{1,3}}\] | \(\d{{1,3}}\) | [{_RAISED}*†‡]       # calls of notes: [12] (12) ² *
      | (?<= [{_RAISED}] ) [,;–-] (?= [{_RAISED}] )             # ¹,²
      | (?P<note> (?<= [^\W\d_]{{2}} [.!?] | [^\W\d_] \s [!?] | .[)»”%] [.!?] )   # mot.3 La, mot ?3,4 La
        \d{{1,3}} (?: [,;–-] \d{{1,3}} ){{0,4}} (?= \s (?:[«“"(]\s?)? [A-ZÀ-Ý] ) )
      | [\ \xa0\u202f]? [{_EMOJI}] )*
    (?P<quote> \s " (?=\s) | " (?=\w) )?                        # closing or opening
    (?P<gap> \s* )
    (?= (?P<opening> (?: [«‹“„"'‘’(\[{{¿¡–—-] \s* ){{0,4}} ) (?P<next> \w* ) (?P<after> .? ) )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING = "([{«‹“\"':,"
_CLOSING = '»›”")]'
_NEVER_FIRST = ".,;:!?…)]}»›%&"
_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
_SHORT_MONTHS = r"(?:janv|févr?|avr|juill?|sept|oct|nov|déc)\."
_DATE_LINE = re.compile(
    rf"""
    (?: (?:date|publié|mis\ à\ jour) \s? :? \s{{1,3}} (?:le\s)? )?
    (?: \d{{4}}-\d\d (?:-\d\d)? | \d\d/\d\d/\d{{4}}
      | (?: (?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) \s )? \d\d? (?:er)? \s (?:{_MONTHS}) \s \d{{4}} )
    (?: (?: \sà )? \s \d\d? [:h] \d\d )?
    (?= \s{{1,9}} (?-i: (?:[«"]\s?)? [A-ZÀ-Ý] ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\W{0,4}(?:\d{1,3}(?:\.\d{1,3}){0,3}|[A-Za-z]|[IVX]{1,5})")
_THOUSANDS = re.compile(r"\d{1,3}\. \d{3}")
_DAY = re.compile(
    rf"(?:(?:lun|ven|sam|dim)\.\s\d|(?:mar|mer|jeu)\.\s\d\d?(?:er)?\s(?:{_MONTHS}|{_SHORT_MONTHS}))", re.IGNORECASE
)
_VERSE = re.compile(r"\d{1,3}\s?[:,.]\s?\d")
_ENTITY = re.compile(r"&#?\w{2,8}\Z")
_WORD_BREAK = re.compile(r"[\s'’«“\"(\[]")
_LONGEST_WORD = 24


def split_block(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the offsets of the sentences of a block, which has no white space at either end."""
    if date := _DATE_LINE.match(text, start, end):
        yield date.span()
        start = end - len(text[date.end() : end].lstrip())
    quotes, counted = 0, start
    for match in _STOP.finditer(text, start, end):
        if match.end() == end:
            break
        stop, next_start = match.start("gap"), match.end()
        if match["quote"]:
            quotes += text.count('"', counted, stop - 1)
            counted = stop - 1
            if quotes % 2 == 0:  # no quotation is open, so this mark begins the next sentence
                stop, next_start = match.start("quote"), stop - 1
        if text[match.start()] in _OPENERS:  # this mark may begin the next sentence
            next_start = match.start()
            before = text[max(start, next_start - 20) : next_start]
            stop = next_start - len(before) + len(before.rstrip())
            if not before.strip() or not _begins_anew(text, stop, match):
                continue
        elif not _is_boundary(text, start, match):
            continue
        yield start, stop
        start = next_start
    yield start, end


def _begins_anew(text: str, stop: int, match: re.Match[str]) -> bool:
    """Return whether a bullet, or a mark of omitted words such as (...), begins a sentence."""
    if text[match.start()] in _BULLETS:
        return stop < match.start()
    return _is_starter(match) and text[stop - 1] not in _OPENING


def _is_boundary(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether the sentence that began at `start` ends at this stop."""
    at = match.start()
    stop = text[at]
    gap, following, after = match.group("gap", "next", "after")
    if stop == ";":
        return bool(gap) and not _ENTITY.search(text, max(start, at - 9), at) and not _in_brackets(text, start, at)
    if stop == ":":
        return True
    if not following:
        return bool(gap) and after not in _NEVER_FIRST
    if text[at - 1] in "([" or not any(map(str.isalnum, text[start : min(start + 8, at)])):
        return False  # (!), or a sentence that would have no words
    if stop not in ".!?…‼‽⁇⁈⁉":  # an emoji used as a stop
        return bool(gap) and _is_starter(match)
    word = _WORD_BREAK.split(text[max(start, at - _LONGEST_WORD) : at])[-1]
    if not gap and not _lacks_space(text, at, word, match):
        return False
    full_stop = stop == "." and text[at + 1] not in ".!?…"
    if following[0].islower() and not (full_stop and _begins_uncapitalised(text, start, match)):
        return False
    return not full_stop or not _is_abbreviation(text, start, word, match)


def _lacks_space(text: str, at: int, word: str, match: re.Match[str]) -> bool:
    """Return whether a space is missing after the stop, as in « juillet.La » but not « exemple.fr » or « 3.5 »."""
    opening, following, after = match.group("opening", "next", "after")
    if match["quote"] or opening:
        return bool(match["quote"]) or opening[0] in "«“("
    if not set("/@_.").isdisjoint(word) or after in "@/_=":
        return False
    if _is_starter(match) and (len(following) > 1 or after in "'’"):
        return len(word) > 1 or text[at - 1] in _CLOSING or text[at] in "!?"
    return word.islower() and len(word) > 1 and len(following) > 1 and following.istitle() and after != "."


def _begins_uncapitalised(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether a sentence begins with a small letter: the stop follows a whole word and precedes a clause."""
    if match["opening"].startswith("- "):
        return True
    tail = text[max(start, match.start() - 4) : match.start()]
    return bool(match["gap"]) and match["next"] in UNCAPITALISED and (tail.isalnum() or tail[-1:] in _CLOSING)


def _is_abbreviation(text: str, start: int, word: str, match: re.Match[str]) -> bool:
    """Return whether the full stop belongs to the word before it: an abbreviation, an initial or a list number."""
    at, before_number = match.start(), match["next"].isdigit()
    if word in TITLES or _LIST_MARK.fullmatch(text, start, at) or text.endswith(": 1", start, at):
        return True
    if before_number and _is_reference(text, start, word, match):
        return True
    if not match["note"] and _is_starter(match):
        return False
    after_number = text[max(start, at - _LONGEST_WORD) : at - len(word)].rstrip()[-1:].isdigit()
    return is_abbreviated(word, after_number, before_number)


def _is_reference(text: str, start: int, word: str, match: re.Match[str]) -> bool:
    """Tell whether a number goes on what a full stop interrupts: 3. 000, sam. 3 mars, Rom. 4:8, (Phil. 4)."""
    word_start = match.start() - len(word)
    if word in BOOKS and _VERSE.match(text, match.start("next")):
        return True
    if _DAY.match(text, word_start) or _THOUSANDS.fullmatch(text, word_start, match.end() + len(match["next"])):
        return True
    return len(word) < 7 and word.isalpha() and _in_brackets(text, start, word_start)


def _is_starter(match: re.Match[str]) -> bool:
    following, after = match.group("next", "after")
    if len(following) == 1:  # L'État, À Paris; but L. Dupont
        return after in "'’" or (following in STARTERS and after != ".")
    return following in STARTERS


def _in_brackets(text: str, start: int, at: int) -> bool:
    start = max(start, at - 500)  # a bracket that was opened further back was probably never closed
    return text.count("(", start, at) > text.count(")", start, at)
