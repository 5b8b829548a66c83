"""Closed word classes for the splitter: words that begin a sentence, and abbreviations that do not end one."""

from __future__ import annotations

import re

__all__ = ["BOOKS", "STARTERS", "TITLES", "UNCAPITALISED", "UNFINISHED", "is_abbreviated"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A capitalised word in this list most likely begins a sentence; other capitalised words may be names.
STARTERS = _words(
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
# These may begin a sentence even without a capital (typing errors, list items): articles, pronouns, connectives.
UNCAPITALISED = _words(
    """
    à afin ainsi alors après au aujourd aussi aux avant avec bref c ça car ce ceci cela celle celui cependant ces cet
    cette comme dans depuis donc elle elles en enfin ensuite il ils j je l la le les lors lorsque mais malgré
    néanmoins nous on or pour pourquoi pourtant puis quand quant selon si sur toutefois tu un une voici voilà vous y
    """
)
# If a line ends with one of these, its sentence continues in the next line.
UNFINISHED = _words(
    """
    à au aux avec ce ces cet cette chez dans de des du en et la le les leur leurs mais ou par pour que qui sa sans ses
    son sous sur un une vers
    """
)
# These precede a name or a date, so they never end a sentence.
TITLES = _words(
    """
    amb apr av Av Bd bd Boul boul Capt Cdt Cf cf cne Cne Col Dr Drs Éts Ets Gal gal Gen Gén gén Lt lt M Me Mgr Mgrs
    Mlle Mlles MM mm Mme Mmes Mr Mrs Ms Pr Préf Prof Prs Rev Sen sén Sén Sgt sgt St Ste Sté Stes Sts vs Vve
    lt-col Lt-col sous-lt Sous-lt vice-prés Vice-prés
    """
)
# Books of the Bible, before chapter and verse.
BOOKS = _words("Apoc Cant Cor Dan Deut Éph Gal Gen Hébr Jér Matth Phil Prov Rom Sam Thess Tim Zach")
# The end of a sentence only where a word of STARTERS follows; a capital may begin those in small letters.
_ABBREVIATIONS = _words(
    """
    adj adm aff al alin ann app approx apt arr art augm avr bât Bros bull cass chap chem chron Cie cit civ Co col
    coll com comm concl cons const conv coord Corp corr crim déc dép dir ed éd eds éds env éq esc ét ex exp fasc fax fév
    févr fig gde gén hab ibid id imm Inc inc infra inv janv juil juill jur lat loc max min minist no nos not nov obs
    oct op ord par pén préc préf prés proc prof rééd réf req rés resp rév rte secr sect sept soc subsp suiv suppl
    tab tel tél tom trad trav univ var vol
    """
)
# Units have no stop of their own, so a stop after « 12 km » ends the sentence; but « 14 h. 30 » continues.
_UNITS = _words("cl cm dl dm ft g GHz h hl kb kg km kW kWh l m mg MHz min ml mm Mt MW ng px s t")
_INITIALS = re.compile(r"(?:[A-ZÀ-Ý]|[CPT]h)(?:(?:\.-?|-)[A-ZÀ-Ý]h?)*")
# Words without a vowel (« c. », « pl. », « Bdx. ») are abbreviations; those in capitals (« SNCF ») are names.
_NO_VOWEL = re.compile(r"[B-DF-HJ-NP-TV-XZÇ]?[b-df-hj-np-tv-xzç]+")


def is_abbreviated(word: str, after_number: bool, before_number: bool) -> bool:
    """Return whether the word before a full stop is an abbreviation.

    Args:
        word: The word.
        after_number: Whether a number precedes the word.
        before_number: Whether a number follows the stop.
    """
    if after_number and word in _UNITS:
        return before_number
    if word in _ABBREVIATIONS or word[:1].lower() + word[1:] in _ABBREVIATIONS:
        return True
    return _INITIALS.fullmatch(word) is not None or _NO_VOWEL.fullmatch(word) is not None
