"""Hyphens at the end of a line: was a word broken there, or is it a compound (« peut-être », « dit-il », « vice-roi »)?

A word is broken more often than not, so the hyphen goes unless its two sides show that it belongs there: names and
figures, a verb and its subject, the first part of a compound, links such as « -à- ».
"""

from __future__ import annotations

import re

__all__ = ["keeps_hyphen"]

# The hyphen itself is written as "-" in these patterns, which are matched against both sides of it at once.

# A pronoun after its verb is told by the verb's ending: « dit-il » against « avr-il », « as-tu » against « ver-tu ».
_INVERSION = re.compile(
    r"""
      .* (?: -je | [sx]-tu | [td]-(?:il|elle|on) | t-(?:ils|elles) | (?:ons|mes)-nous | (?:ez|tes)-vous
           | (?:^|\W) (?:est|était|étaient|sera|serait|fut|fût|furent|soit|sont)-ce
           | -(?:être|mêmes?|là|moi|toi) | (?:celui|celle|ceux|celles)-ci )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# First parts that are no syllable of longer words.
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
    """Tell whether the hyphen between two parts is one of the word's own.

    Args:
        before: What stands before the hyphen; its last word counts, and its end is a letter or a digit.
        after: What stands after the line break; its first word counts, and its beginning is a letter or a digit.
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
