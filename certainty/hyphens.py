"""Decide whether a hyphen at the end of a line breaks a word or belongs to a compound (« peut-être », « vice-roi »).

Most such hyphens break a word, so the hyphen is removed unless the text on both sides shows that it belongs there:
names and figures, a verb with its subject (« dit-il »), the first part of a compound, or links such as « -à- ».
"""

from __future__ import annotations

import re

__all__ = ["keeps_hyphen"]

# These patterns are matched against the words on both sides, joined by "-" whatever hyphen the text has.

# The verb's ending shows that a pronoun follows it: « dit-il » but not « avr-il », « as-tu » but not « ver-tu ».
_INVERSION = re.compile(
    r"""
      .* (?: -je | [sx]-tu | [td]-(?:il|elle|on) | t-(?:ils|elles) | (?:ons|mes)-nous | (?:ez|tes)-vous
           | (?:^|\W) (?:est|était|étaient|sera|serait|fut|fût|furent|soit|sont)-ce
           | -(?:être|mêmes?|là|moi|toi) | (?:celui|celle|ceux|celles)-ci )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# First parts of compounds that are not also the beginning of a longer word.
_COMPOUND = re.compile(
    r"""
    (?:.*\W)? (?:
        (?: après | arrière | chef | demi | peut | quasi | sans | self | semi | vice | week ) -.*
      | avant-(?!ag).* | grands?-[^aei].* | non-(?!chal).* | outre-(?!pass).* | porte-[abcdfpv].*
      | sous-(?!cri|traire|trac).*
      | ex-[bdfgjlmnrsv].*                                              # ex-ministre, but ex-pliquer
      | au-(?:del|des|dev|ded|deh).* | (?:ci|là)-(?:des|apr|con|joi|inc|bas|haut|dev).*
      | (?:quatre|dix|soixante|(?:vingt|trente|quarante|cinquante)) -
        (?:vingts?|et|une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize)
      | quelques-un.*
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINK = re.compile(r"(?:à|t|en|de|du|des|la|le|les|lès|et|ou|sur|sous|d|l)[-'’]")  # vis-|à-vis, a-|t-il, chef-|d'œuvre
_LINKED = re.compile(r"-(?:à|t|en|de|du|des|la|le|les|et|ou|sur)\Z")  # vis-à-|vis
_LAST_WORD = re.compile(r"[\w'’-]*\Z")
_FIRST_WORD = re.compile(r"[\w'’-]*")


def keeps_hyphen(before: str, after: str) -> bool:
    """Return whether a hyphen at the end of a line is part of the word.

    Args:
        before: The text before the hyphen, ending with a letter or digit. Only its last word matters.
        after: The text after the line break, starting with a letter or digit. Only its first word matters.
    """
    left, right = _LAST_WORD.findall(before[-30:])[0], _FIRST_WORD.findall(after[:30])[0]
    if left[-1:].isdigit() or right[:1].isdigit():
        return True
    if right[:1].isupper():  # Saint-Denis, but PRÉSI-DENT
        return not left.isupper()
    if _LINK.match(right) or _LINKED.search(left):
        return True
    word = f"{left}-{right}"
    return bool(_INVERSION.fullmatch(word) or _COMPOUND.fullmatch(word))
