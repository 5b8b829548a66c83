"""Sentence boundaries of French texts, and offsets into any text."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.passages import read_paragraphs
from benchmarks.splitters import certainty
from benchmarks.splitting import evaluate
from certainty import hyphens, normalising
from certainty.normalising import reading_form, without_invisible
from certainty.sentences import Sentence, split_sentences
from certainty.splitting import lines, stops

if sys.version_info >= (3, 11):
    from re import _parser as re_parser
else:
    import sre_parse as re_parser

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
    "Bravo. 🎉 ¦La fête commence. ¦مرحبا بالجميع. ¦Merci.",
    # law, science, rank, dates, units
    "L'affaire Vidal c. Suisse est close (v. aussi Noir c/ Blanc). ¦Le juge y voit un précédent.",
    "Trib. adm. Nice, 3 févr. 2011, Bull. civ. II, n° 9 : rejet. ¦Art. 9, al. 3, préc. ¦La cour suit.",
    "Garcin et al. donnent la fig. 4, l'éq. 2 et le vol. 7, pp. 3-9. ¦Ils concluent.",
    "Le cap. et le gén. Fabre, la sén. Weil et Mgr. Olive sont venus. ¦L'amb. Stone, non.",
    "Ouvert le mer. 2 juin, le jeu. 3 juin et le sam. 5 oct. ¦Il voit la mer. ¦3 bateaux passent.",
    "Il part à 7 h. 15 et parcourt 30 km. ¦Marc l'attend. ¦Il en reste 2. 500 dehors.",
    "Le verset (Marc. 4:8) est cité par le cabinet Noir & Co. & Fils. ¦Il plaît.",
    "Le lt-col. Fabre cite Rom. 3:24 et 1 Cor. 9, 7, et le trib. corr. Nîmes. ¦Il va à Rome. ¦3 rues y sont.",
    # calls of notes
    "L'ours a disparu.3 ¦Les bergers s'en réjouissent.¹² ¦Les autres doutent.[4] ¦L'État se tait.(5) ¦Rien.",
    "L'ours est revenu.¹,² ¦L'État se tait.1-3 ¦Qui paiera ?12 ¦Le berger attend.",
    "Voir l'art.3 Le Goff et la version 2.0 Bêta.",
    # emojis, bullets within a line
    "On y est 😀 ¦Les portes ouvrent ! 😀😀 ¦Venez 😀 nombreux.",
    "À faire : ¦• payer ¦• partir",
    "Les salarié·es et les élu•es votent.",
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
    "Le maire n'ira pas à la fête des\nvoisins. ¦Son adjoint, lui, y sera avec\nMarie Roux et trois membres de son\n"
    "équipe. ¦Ils l'ont annoncé hier à\nSaint-Malo.",
    "La séance s'ouvre sous la présidence de M.\nRoux. ¦Il dirige le con-\nseil depuis 2014 avec Saint-\nMalo.",
    "La préfète refuse de\n\n 3 \n\n\x0crépondre.\n\n¦Le maire l'a fait.",
    "Le prix du blé augmente encore sur tous les marchés européens\n"
    "¦Nantes : le pont fermé\n"
    "¦Rennes gagne en finale de la coupe",
]


@pytest.mark.parametrize("marked", IN_RUNNING_TEXT + BY_LINES)
def test_boundaries(marked: str) -> None:
    expected = [sentence.strip() for sentence in marked.split("¦")]
    assert [sentence.text for sentence in split_sentences(marked.replace("¦", ""))] == expected


INVISIBLE = [
    "Le maire ment.\u200b¦Il part.",
    "\ufeffLe mai\xadre nie\u200b.\u200b \u200b¦\u200eIl\u2060 part.\u200e",
    "\u202aC'est clos.\u202c ¦\x07Il\x00 part.",
    "Le mai\xad\nre nie.\xad ¦Il part.",
]


@pytest.mark.parametrize("marked", INVISIBLE)
def test_invisible_characters_do_not_hide_a_boundary(marked: str) -> None:
    edge = "\ufeff\u200b\u200e\u202a\u202c\x07\xad "
    expected = [sentence.strip(edge) for sentence in marked.split("¦")]
    assert [sentence.text for sentence in split_sentences(marked.replace("¦", ""))] == expected


def test_page_numbers_are_in_no_sentence_or_inside_one() -> None:
    sentences = [
        sentence.text for sentence in split_sentences("Un titre\n\n12\n\n\x0c13\nElle lit la\n- 13 -\n\x0csuite.")
    ]
    assert sentences == ["Un titre", "Elle lit la\n- 13 -\n\x0csuite."]


@pytest.mark.parametrize("number", ["7", "- 7 -", "7/30", "7 sur 30", "Page 7", "p. 7", "page 7 / 30", "xiv"])
@pytest.mark.parametrize("page", ["\n\n{}\n\n\x0c", "\x0c{}\n\n"])
def test_a_sentence_goes_on_over_a_page_number(number: str, page: str) -> None:
    text = f"La préfète refuse de{page.format(number)}répondre. Elle part."
    assert [s.text.split()[-1] for s in split_sentences(text)] == ["répondre.", "part."]
    assert not re.search(r"\d|x", reading_form(text).text)


@pytest.mark.parametrize(
    "marked",
    [
        r"La mairie nie.\n¦Le port ferme.\r\n¦Fin\n",
        r"Grève au port\n\n¦La mairie nie. ¦Elle part.",
        r"Le dossier C:\nouveau\notes.txt est vide. ¦On y lit \nabla.",
    ],
)
def test_escaped_line_ends_end_a_line_and_paths_do_not(marked: str) -> None:
    expected = [re.sub(r"(\\r|\\n)+\Z", "", sentence.strip()) for sentence in marked.split("¦")]
    assert [s.text for s in split_sentences(marked.replace("¦", ""))] == expected


@pytest.mark.parametrize("held_out", [False, True])
def test_paragraphs_as_they_are_found_on_the_web(held_out: bool) -> None:
    passages = read_paragraphs(held_out)
    for passage in passages:
        position = 0
        for sentence in passage.sentences:
            position = passage.text.index(sentence, position) + len(sentence)
    assert evaluate("certainty", "paragraphs", passages, certainty(), seconds=0.01).f1 > 0.98


@pytest.mark.parametrize("empty", ["", " \t\r\n\u2028\xa0 ", "\ufeff", "\ufeff\ufeff\n", "\x00\u200b \xad"])
def test_nothing_to_split(empty: str) -> None:
    assert split_sentences(empty) == []


def test_offsets_are_those_of_the_given_text() -> None:
    assert split_sentences("\ufeff\r\n Oui.\r\n\r\n\tNon. ") == [Sentence("Oui.", 4, 8), Sentence("Non.", 13, 17)]


PIECES = [*".!?…;:,-–«»“”\"'()[]/@&•3¹¬", *" \n\r\t\x0c\xa0\u2028\x1c\x1f\x00\u200b\ufeff\xad", *"aÉ1Ü😀ش\ud800"]
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


@settings(deadline=None)
@given(texts)
@example("mot " * 25_000)
@example("x" * 100_000)
@example("2020-01-01 A")
@example("(...) Le")
@example("." + 30 * " " + "(...) Le")
@example("A\n1\n\x0c\n2\nB")
def test_every_character_that_is_seen_is_in_one_sentence(text: str) -> None:
    position = 0
    for sentence in split_sentences(text):
        assert position <= sentence.start < sentence.end
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip()
        assert _left_out(text, position, sentence.start)
        position = sentence.end
    assert _left_out(text, position, len(text))


def _left_out(text: str, start: int, end: int) -> bool:
    """Tell whether there is nothing but white space, invisible characters and page numbers at a form feed."""
    between = without_invisible(text[start:end]).text.strip()
    pages = re.fullmatch(r"[-–\s\d/ivx]*", between) is not None and "\f" in text[max(0, start - 1) : end + 1]
    return between in ("", "\xad") or pages


@settings(deadline=None)
@given(texts.filter(lambda text: "\f" not in text))
def test_a_blank_line_always_ends_a_sentence(text: str) -> None:
    assert not any(re.search(r"\n[ \t\xa0]*\n", sentence.text) for sentence in split_sentences(text))


@settings(deadline=None)
@given(texts)
def test_invisible_characters_change_no_boundary(text: str) -> None:
    visible = without_invisible(text)
    moved = [visible.span(start, end) for _, start, end in split_sentences(visible.text)]
    assert [(start, end) for _, start, end in split_sentences(text)] == moved


def lines_run(call: Callable[[], Any]) -> int:
    """Return how many lines of Python a call runs: a measure of work that no busy machine changes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


UNITS = [
    ". ",
    '. "',
    "; ",
    "(a ; ",
    "A. ",
    "a : (...) Il ",
    "x.Le",
    "\n",
    "a,\r\n",
    "«",
    "1\n\f",
    "a-\n",
    "\xad\n",
    "• ",
]
unit_texts = st.lists(st.sampled_from(PIECES + WORDS[:-1]), min_size=1, max_size=6).map("".join)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(UNITS) | unit_texts)
def test_work_grows_with_the_length(unit: str) -> None:
    once, twice = (lines_run(lambda: split_sentences(unit * times)) for times in (50, 100))  # noqa: B023
    assert twice < 2.2 * once + 200


def _repeats(pattern: Any) -> list[tuple[int, Any]]:
    """Return the repeats of a parsed pattern that have no upper bound, with what they repeat."""
    found = []
    for operation, argument in pattern:
        if str(operation) in ("MAX_REPEAT", "MIN_REPEAT"):
            if str(argument[1]) == "MAXREPEAT":
                found.append(argument[2])
            found += _repeats(argument[2])
        elif str(operation) == "BRANCH":
            found += [repeat for branch in argument[1] for repeat in _repeats(branch)]
        elif str(operation) in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
            found += _repeats(argument[-1])
    return found


def test_no_pattern_can_backtrack_without_bound() -> None:
    patterns = [value for module in (hyphens, lines, normalising, stops) for value in vars(module).values()]
    repeats = [
        repeat
        for pattern in patterns
        if isinstance(pattern, re.Pattern)
        for repeat in _repeats(re_parser.parse(pattern.pattern, pattern.flags))
    ]
    assert len(repeats) > 5
    assert not any(_repeats(repeat) for repeat in repeats)  # none within another


def test_tags_end_sentences_and_entities_do_not() -> None:
    text = (
        "<p>Le maire d&eacute;ment.<br>Il part &amp; revient.</p><p>Le <b>pr&eacute;fet</b> nie.&nbsp;Elle attend.</p>"
    )
    assert [s.text for s in split_sentences(text)] == [
        "Le maire d&eacute;ment.",
        "Il part &amp; revient.",
        "Le <b>pr&eacute;fet</b> nie.",
        "Elle attend.",
    ]
    assert all(text[s.start : s.end] == s.text for s in split_sentences(text))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["Il part. ", "Qui", "&eacute;", "&nbsp;", "<br>", "<p>", "</b>", ".", " ", "\n"])))
def test_sentences_of_markup_stand_where_they_say(pieces: list[str]) -> None:
    text = "".join(pieces)
    done = 0
    for sentence in split_sentences(text):
        assert done <= sentence.start < sentence.end and text[sentence.start : sentence.end] == sentence.text
        done = sentence.end
