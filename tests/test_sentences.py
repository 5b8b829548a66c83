"""Sentence boundaries of French texts, and offsets into any text."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certainty.sentences import Sentence, split_sentences

# `¦` stands where a sentence ends; without it, the case is the text that is split.
IN_RUNNING_TEXT = [
    # abbreviations, initials, numbers
    "M. Garnier a reçu Mme Vasseur. ¦Elle est repartie à midi.",
    "Le Dr. Lenoir et Mgr. Aubert ont signé ; ¦MM. Petit et Roy, non.",
    "Il cite l'art. 12 et l'art. L. 642-3 du code. ¦Le juge a tranché.",
    "Voir p. 12 et vol. III du rapport. ¦La suite manque.",
    "Elle vend des pommes, des poires, etc. ¦Les clients apprécient.",
    "Elle vend des pommes, des poires, etc. et livre à domicile.",
    "Certains fruits, p. ex. Golden ou Reinette, manquent.",
    "Le temple date du Ve siècle av. J.-C. selon les experts.",
    "Il mourut en 43 av. J.-C. ¦Son fils lui succéda.",
    "J.-P. Morel et A. Hubert ont perdu. ¦Victor W. Lang a gagné.",
    "Le rapport de l'O.N.U. Femmes est sorti. ¦Il accuse les U.S.A. ¦Les autres se taisent.",
    "Il manque de vitamine C. ¦Elle est pourtant utile.",
    "Le bureau n° 3. ¦Le bureau n° 4.",
    "Le 12 sept. 2019, le port a fermé. ¦Il a rouvert en 2020. ¦12 bateaux sont revenus.",
    "Le taux passe de 3.5 % à 1.200.000 pour mille. ¦C'est une erreur.",
    "1. Le préambule est adopté. ¦2. La suite est rejetée.",
    "Deux points sont à l'ordre du jour : 1. Le budget. ¦2. Les travaux.",
    "L'écrivaine B. A. Roux dédicace son livre.",
    "Il régna après Louis XIV. ¦Son règne fut court.",
    # quotation marks and brackets
    "« La route est coupée. » ¦Le maire l'a confirmé.",
    "« La route est coupée ! » s'écrie le maire.",
    "« Nous partons demain. ¦Eux restent », a dit la ministre.",
    "Il juge l'accord « bancal ». ¦“Nous verrons.” ¦Elle doute.",
    "Le maire l'a promis : « Le pont sera “solide”. » ¦Il ne l'est pas.",
    '"La route est coupée." ¦"Depuis quand ?" ¦Personne ne répond.',
    'Il a dit : " Nous partons. " ¦Elle a répondu : " Restez. "',
    'Il se lève. ¦" Restez ", dit-elle.',
    "Le nouveau maire (?) Durand se tait.",
    "La séance est levée (enfin !) après six heures. ¦(Applaudissements.) ¦Le public sort.",
    "La hausse est forte (voir rubrique 4.4). ¦Classons l'affaire.",
    "Il se fâche [rires]. ¦La salle aussi [3]. ¦Le débat reprend.",
    "Le vote a eu lieu. ¦[...] Les élus sont partis.",
    "(...) Les élus sont partis.",
    "« C'est une question de dignité ¦(...) Nous irons au bout. »",
    "Elle ajoute : « (...) Nous irons au bout. »",
    # other stops
    "Il hésite... ¦Puis il signe… ¦Enfin presque… mais trop tard.",
    "Comment ?! ¦Vous partez ? ¦Quel dommage !",
    "Le maire accepte ; ¦le préfet refuse.",
    "Deux villes (Nantes ; Rennes) sont touchées, Martin &amp; Fils aussi.",
    "– Vous venez ? ¦– Non. ¦– Tant pis, dit-elle.",
    "Trois règles s'imposent : ¦- arriver tôt ; ¦- se taire ; ¦- partir tard.",
    "Les pièces sont jointes. ¦- rapport du maire. ¦- plan du pont.",
    # flaws
    "Le pont rouvrira en juillet.¦La mairie l'a promis.¦L'opposition en doute.",
    "« Le pont est sûr ».¦Il fermera pourtant.",
    '"Le pont est sûr."¦Il fermera pourtant.',
    "Écrire à anne.Roux@exemple.fr ou voir www.exemple.fr. ¦Le site répond.",
    "la salle était pleine. ¦il a fallu ouvrir les portes.",
    "Il a visité la Corée du Nord. dirigeant contesté, il y est resté.",
    "2023-09-04 ¦La capitale est calme.",
    "Publié le 3 mars 2020 à 10h30 ¦Le ministre a démissionné.",
    "Bravo. ¦🎉 La fête commence. ¦مرحبا بالجميع. ¦Merci.",
]

BY_LINES = [
    "INONDATIONS DANS LE SUD : TROIS VILLAGES COUPÉS DU MONDE\n¦La pluie ne faiblit pas.",
    "Un titre\r\n¦Une phrase. ¦Une autre.\r\n\r\n¦Un autre titre\r¦Fin",
    "Une ligne coupée\nau milieu\n\n¦d'un texte",
    "Le train venait de la\nRochelle, où il avait attendu,\nMonsieur Blin l'a vu.",
    "L'ordre du jour :\n¦- le budget\n¦- les travaux\n¦a) la voirie\n¦b) le pont",
    "Il reste trois points :\n¦le budget\n\n¦la salle était pleine.\n¦elle se vide.",
    "« Une citation\n» se ferme à la ligne.",
    "-----\n¦Signature",
    "Le conseil municipal s'est réuni hier soir sous la présidence de madame\n"
    "Durand, maire de la commune. ¦Après avoir entendu le rapport présenté par\n"
    "Jean Petit, les élus ont voté le budget. ¦Les trois conseillers proches de\n"
    "Paul Martin ont voté contre.\n"
    "¦La prochaine séance est en mai.\n\n"
    "¦Elle sera ouverte au public et suivie d'une visite du pont que décrira\n"
    "Jean Petit.",
    "Le prix du blé augmente encore sur tous les marchés européens\n"
    "¦Nantes : le pont fermé\n"
    "¦Rennes gagne en finale de la coupe",
]


@pytest.mark.parametrize("marked", IN_RUNNING_TEXT + BY_LINES)
def test_boundaries(marked: str) -> None:
    expected = [sentence.strip() for sentence in marked.split("¦")]
    assert [sentence.text for sentence in split_sentences(marked.replace("¦", ""))] == expected


@pytest.mark.parametrize("empty", ["", " \t\r\n\u2028\xa0 ", "\ufeff", "\ufeff\ufeff\n"])
def test_nothing_to_split(empty: str) -> None:
    assert split_sentences(empty) == []


def test_offsets_are_those_of_the_given_text() -> None:
    assert split_sentences("\ufeff\r\n Oui.\r\n\r\n\tNon. ") == [Sentence("Oui.", 4, 8), Sentence("Non.", 13, 17)]


PIECES = [*".!?…;:,-–«»“”\"'()[]/@&", *" \n\r\t\xa0\u2028\x1c\x00\u200b\ufeff", *"aÉ1Ü😀ش\ud800"]
WORDS = [
    "M",
    "etc",
    "Le",
    "il",
    "(...)",
    "[1]",
    "\n\n",
    "3 mars 2020",
    "www.a.fr",
    "J.-C.",
    " - ",
    '. "',
    "&amp;",
    "mot " * 15,
]
texts = st.one_of(
    st.text(st.characters(exclude_categories=())), st.lists(st.sampled_from(PIECES + WORDS), max_size=60).map("".join)
)


@given(texts)
@example("mot " * 25_000)
@example("2020-01-01 A")
@example("(...) Le")
@example("." + 30 * " " + "(...) Le")
def test_every_character_but_white_space_is_in_one_sentence(text: str) -> None:
    position = len(text) - len(text.lstrip("\ufeff"))
    for sentence in split_sentences(text):
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip() != ""
        assert not text[position : sentence.start].strip()
        position = sentence.end
    assert not text[position:].strip()


@given(texts)
def test_a_blank_line_always_ends_a_sentence(text: str) -> None:
    assert not any(re.search(r"\n[ \t\xa0]*\n", sentence.text) for sentence in split_sentences(text))


@pytest.mark.parametrize("unit", [". ", '. "', "; ", "(a ; ", "A. ", "a : (...) Il ", "x.Le", "\n", "a,\r\n", "«"])
def test_time_grows_with_the_length_not_with_its_square(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        runs = []
        for _ in range(3):
            begin = time.process_time()
            split_sentences(text)
            runs.append(time.process_time() - begin)
        return min(runs)

    assert seconds(160_000) < 32 * seconds(20_000)  # 8 times the length: 64 times the time if it were quadratic
