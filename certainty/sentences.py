"""Text to sentences: a splitter for French made of regular expressions and closed word classes.

Lines come first: a line end is a boundary unless the line goes on below (`_blocks`). Within such a block every stop is
looked at (`. ! ? … ;` with the quotes and brackets that close after it). What follows decides, and for a full stop
also the word before it: abbreviations, initials and the numbers of a list do not end a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

Span = tuple[int, int]


class Sentence(NamedTuple):
    """A sentence and its character offsets: `given[start:end] == text`, with no white space at either end."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Split a French text into its sentences.

    Args:
        text: Any string; a byte order mark at its beginning is left out.

    Returns:
        The sentences in order. Every other character that is not white space is in exactly one of them.
    """
    return [
        Sentence(text[start:end], start, end)
        for block_start, block_end in _blocks(text)
        for start, end in _split_block(text, block_start, block_end)
    ]


# ---- Closed word classes ---------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# With a capital letter, these most likely begin a sentence; another word may be a name.
_STARTERS = _words(
    """
    A À Afin Ainsi Alors Après Au Aucun Aucune Aujourd Auparavant Aussi Autant Autour Autre Autrefois Aux Avant Avec
    Beaucoup Bien Bref Ça Car Ce Ceci Cela Celle Celles Celui Cependant Certaines Certains Ces Cet Cette Ceux Chacun
    Chacune Chaque Chez Combien Comme Comment Concernant Contrairement Contre Dans De Depuis Dernier Dernière Derrière
    Des Dès Désormais Deux Devant Donc Dont Du Durant Elle Elles En Encore Enfin Ensemble Ensuite Entre Et Étant Face
    Faute Finalement Grâce Hier Hormis Ici Il Ils Jamais Je Jusqu La Là Le Lequel Les Leur Leurs Loin Lors Lorsqu
    Lorsque Lui Ma Maintenant Mais Malgré Même Mes Moi Moins Mon Ne Néanmoins Ni Non Nos Notre Nous Nul On Or Ou Où
    Oui Outre Par Parallèlement Parce Parfois Parmi Pas Pendant Personne Peu Peut Plus Plusieurs Plutôt Pour Pourquoi
    Pourtant Près Puis Puisqu Puisque Qu Quand Quant Que Quel Quelle Quelles Quelqu Quelque Quelques Quels Qui
    Quiconque Quoi Quoique Rien Sa Sans Se Selon Ses Seul Seule Seuls Si Sinon Soit Son Sous Souvent Suite Sur Surtout
    Tandis Tant Tel Telle Tels Tous Tout Toute Toutefois Toutes Très Trois Trop Tu Un Une Vers Voici Voilà Vos Votre
    Vous Y
    """
)
# These begin one even in small letters (typing errors, points of a list): articles, subject pronouns, connectives.
_UNCAPITALISED = _words(
    """
    à afin ainsi alors après au aujourd aussi aux avant avec bref c ça car ce ceci cela celle celui cependant ces cet
    cette comme dans depuis donc elle elles en enfin ensuite il ils j je l la le les lors lorsque mais malgré
    néanmoins nous on or pour pourquoi pourtant puis quand quant selon si sur toutefois tu un une voici voilà vous y
    """
)
# A line that ends with one of these goes on in the next.
_UNFINISHED = _words(
    """
    à au aux avec ce ces cet cette chez dans de des du en et la le les leur leurs mais ou par pour que qui sa sans ses
    son sous sur un une vers
    """
)
# Written before a name or a date: never the end of a sentence.
_TITLES = _words(
    """
    apr av Bd bd Boul boul Capt Cdt Cf cf Cne Col Dr Drs Gal Gen Gén Lt M Me Mgr Mgrs Mlle Mlles MM mm Mme Mmes Mr Mrs
    Ms Pr Prof Prs Rev Sen Sgt St Ste Stes Sts vs Vve
    """
)
# The end of a sentence only where a word of _STARTERS follows.
_ABBREVIATIONS = _words(
    """
    al alin ann app approx apt arr Art art Avr avr bât Bros ch Chap chap Cie cit Co Coll coll Corp Déc déc dép dir Ed
    ed Éd éd eds éds env Éts Ex ex fasc fax fév Févr févr Fig fig hab Ibid ibid id Inc inc inv Janv janv Jr Juil juil
    juill loc Ltd max min ms n nb No no Nos nos Nov nov Oct oct op P p par pp Réf réf resp Sept sept sq sqq Sr ss suiv
    suppl T t Tel Tél tel tél tom trad Univ Vol vol
    """
)

# ---- Stops within a block --------------------------------------------------------------------------------------------

# One set of characters comes first, so that `re` skips fast from candidate to candidate.
_STOP = re.compile(
    r"""
    (?P<stop> [.!?…‼‽⁇⁈⁉;:(\[]
      (?: (?<= [.!?…‼‽⁇⁈⁉] ) [.!?…‼‽⁇⁈⁉]* (?: \s [!?…]+ )*
        | (?<= ; )
        | (?<= : ) (?= \s+ [-–—•] \s+ \D )              # before a list or a dialogue
        | (?<= [(\[] ) (?: \.{2,4} | … ) [)\]] ) )       # (...): words left out
    (?: \s? [»›”)\]}] | ["'’] (?=\s) | \s? \[\d+\] )*
    (?P<quote> \s " (?=\s) | " (?=\w) )?                # closes or opens
    (?P<gap> \s* )
    (?= (?P<opening> (?: [«‹“„"'‘’(\[{¿¡–—-] \s* ){0,4} ) (?P<next> \w* ) (?P<after> .? ) )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING = "([{«‹“\"':,"
_CLOSING = '»›”")]'
_NEVER_FIRST = ".,;:!?…)]}»›%"
_DATE_LINE = re.compile(
    r"""
    (?: (?:date|publié|mis\ à\ jour) \s* :? \s+ (?:le\s+)? )?
    (?: \d{4}-\d\d (?:-\d\d)? | \d\d/\d\d/\d{4}
      | (?: (?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) \s+ )? \d\d? (?:er)? \s+
        (?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre) \s+ \d{4} )
    (?: (?: \s+ à )? \s+ \d\d? [:h] \d\d )?
    (?= \s+ (?-i: (?:[«"]\s?)? [A-ZÀ-Ý] ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\W{0,4}(?:\d{1,3}|[A-Za-z]|[IVX]{1,5})")
_INITIALS = re.compile(r"(?:[A-ZÀ-Ý]|[CPT]h)(?:(?:\.-?|-)[A-ZÀ-Ý]h?)*")
_ENTITY = re.compile(r"&#?\w{2,8}\Z")
_WORD_BREAK = re.compile(r"[\s'’«“\"(\[]")


def _split_block(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the offsets of the sentences of a block."""
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
            if quotes % 2 == 0:  # no quotation is open: this mark opens the next sentence
                stop, next_start = match.start("quote"), stop - 1
        if text[match.start()] in "([":  # a sentence after words left out begins with their mark
            next_start = match.start()
            before = text[max(start, next_start - 20) : next_start]
            stop = next_start - len(before) + len(before.rstrip())
            if not _is_starter(match) or text[stop - 1] in _OPENING or before.isspace() or not before:
                continue
        elif not _is_boundary(text, start, match):
            continue
        yield start, stop
        start = next_start
    yield start, end


def _is_boundary(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell whether the sentence that began at `start` ends at this stop."""
    at = match.start()
    stop, gap, following, after = match.group("stop", "gap", "next", "after")
    if stop == ";":
        return bool(gap) and not _ENTITY.search(text, max(start, at - 9), at) and not _in_brackets(text, start, at)
    if stop == ":":
        return True
    if not following:
        return bool(gap) and after not in _NEVER_FIRST
    if text[at - 1] in "([" or not any(map(str.isalnum, text[start : min(start + 8, at)])):
        return False  # (!), or a sentence that would have no word
    word = _WORD_BREAK.split(text[max(start, at - 24) : at])[-1]
    if not gap and not _lacks_space(text, at, word, match):
        return False
    if following[0].islower() and not (stop == "." and _begins_uncapitalised(text, start, match)):
        return False
    return stop != "." or not _is_abbreviation(text, start, word, match)


def _lacks_space(text: str, at: int, word: str, match: re.Match[str]) -> bool:
    """Tell whether a space was forgotten, as in « juillet.La »; in « exemple.fr » and « 3.5 » none was."""
    opening, following, after = match.group("opening", "next", "after")
    if match["quote"] or opening:
        return bool(match["quote"]) or opening[0] in "«“("
    if not set("/@_.").isdisjoint(word) or after in "@/_=":
        return False
    if _is_starter(match) and (len(following) > 1 or after in "'’"):
        return len(word) > 1 or text[at - 1] in _CLOSING or text[at] in "!?"
    return word.islower() and len(word) > 1 and len(following) > 1 and following.istitle() and after != "."


def _begins_uncapitalised(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell whether a full stop before a small letter is one: it follows a whole word and a clause begins after it."""
    if match["opening"].startswith("- "):
        return True
    tail = text[max(start, match.start() - 4) : match.start()]
    return bool(match["gap"]) and match["next"] in _UNCAPITALISED and (tail.isalnum() or tail[-1:] in _CLOSING)


def _is_abbreviation(text: str, start: int, word: str, match: re.Match[str]) -> bool:
    """Tell whether the full stop belongs to the word before it: an abbreviation, an initial, the number of a list."""
    at = match.start()
    if word in _TITLES or _LIST_MARK.fullmatch(text, start, at) or text.endswith(": 1", start, at):
        return True
    return (word in _ABBREVIATIONS or _INITIALS.fullmatch(word) is not None) and not _is_starter(match)


def _is_starter(match: re.Match[str]) -> bool:
    following, after = match.group("next", "after")
    if len(following) == 1:  # L'État, À Paris; but L. Dupont
        return after in "'’" or (following in _STARTERS and after != ".")
    return following in _STARTERS


def _in_brackets(text: str, start: int, at: int) -> bool:
    start = max(start, at - 500)  # a bracket left open further back was forgotten
    return text.count("(", start, at) > text.count(")", start, at)


# ---- Lines -----------------------------------------------------------------------------------------------------------

_LIST_ITEM = re.compile(r"[-–—*•·◦▪►‣○●■]\s|(?:\d{1,3}|[a-z])[.)]\s")
_FIRST_WORD = re.compile(r"\S+")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
_WRAP_WIDTHS = range(50, 131)


def _blocks(text: str) -> Iterator[Span]:
    """Yield the offsets of the stretches of text in which only a stop ends a sentence."""
    width = 0
    for lines in _paragraphs(text):
        width = _wrap_width(text, lines) or width
        start = lines[0][0]
        for line, (next_start, _) in pairwise(lines):
            if not _goes_on(text, line, next_start, width):
                yield start, line[1]
                start = next_start
        yield start, lines[-1][1]


def _paragraphs(text: str) -> Iterator[list[Span]]:
    """Yield the lines, without the white space around them, from one blank line to the next."""
    lines: list[Span] = []
    body = text.lstrip("\ufeff")
    offset = len(text) - len(body)
    for raw in body.splitlines(keepends=True):
        if line := raw.strip():
            start = offset + len(raw) - len(raw.lstrip())
            lines.append((start, start + len(line)))
        elif lines:
            yield lines
            lines = []
        offset += len(raw)
    if lines:
        yield lines


def _goes_on(text: str, line: Span, next_start: int, width: int) -> bool:
    """Tell whether the sentence at the end of a line may go on in the next one."""
    if _LIST_ITEM.match(text, next_start):
        return False
    start, end = line
    last = text[end - 1]
    if last in ",([{«‹“" or text[next_start] in _NEVER_FIRST or _is_full(text, line, next_start, width):
        return True
    if last in ".!?…;:":
        return False
    word = _LAST_WORD.search(text, max(start, end - 8), end)
    return text[next_start].islower() or (word is not None and word.group().lower() in _UNFINISHED)


def _wrap_width(text: str, lines: list[Span]) -> int:
    """Return the line width at which a paragraph was wrapped by a mail program or an editor, or 0."""
    width = max(end - start for start, end in lines)
    if len(lines) < 3 or width not in _WRAP_WIDTHS:
        return 0
    full = sum(_is_full(text, line, next_start, width) for line, (next_start, _) in pairwise(lines))
    return width if full >= 0.75 * (len(lines) - 1) else 0


def _is_full(text: str, line: Span, next_start: int, width: int) -> bool:
    """Tell whether the first word of the next line had no room in this one."""
    length = line[1] - line[0]
    if not width // 2 < length <= width:
        return False
    word = _FIRST_WORD.match(text, next_start)
    return word is not None and length + 1 + len(word.group()) > width
