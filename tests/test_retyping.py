"""Re-typed French: what each kind does, and that spans follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certainty import CertaintyError
from training.data.retyping import KINDS, retype, retyped

TEXT = "Je ne crois pas qu'il ait écrit « L’œuvre », n'est-ce pas ?"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("capitals", "JE NE CROIS PAS QU'IL AIT ÉCRIT « L’ŒUVRE », N'EST-CE PAS ?"),
        ("capitals_without_accents", "JE NE CROIS PAS QU'IL AIT ECRIT « L’OEUVRE », N'EST-CE PAS ?"),
        ("lower_case", "je ne crois pas qu'il ait écrit « l’œuvre », n'est-ce pas ?"),
        ("without_accents", "Je ne crois pas qu'il ait ecrit « L’oeuvre », n'est-ce pas ?"),
        ("without_ne", "Je crois pas qu'il ait écrit « L’œuvre », est-ce pas ?"),
        ("without_apostrophes", "Je ne crois pas quil ait écrit « Lœuvre », nest-ce pas ?"),
        ("spaced_apostrophes", "Je ne crois pas qu il ait écrit « L œuvre », n est-ce pas ?"),
        ("typographic_apostrophes", "Je ne crois pas qu’il ait écrit « L’œuvre », n’est-ce pas ?"),
        ("without_punctuation", TEXT),
        ("without_final_stop", TEXT),
        ("lower_case_start", "je ne crois pas qu'il ait écrit « L’œuvre », n'est-ce pas ?"),
        ("straight_quotes", "Je ne crois pas qu'il ait écrit \"L’œuvre\", n'est-ce pas ?"),
        ("guillemets", TEXT),
        ("hurried", "je crois pas qu'il ait ecrit « l’oeuvre », est-ce pas ?"),
    ],
)
def test_kinds(kind: str, expected: str) -> None:
    assert retype(TEXT, kind).text == expected


def test_punctuation_goes_only_after_a_word() -> None:
    assert retype("Il viendra, dit-on. À 3,5 %…", "without_punctuation").text == "Il viendra dit-on À 3,5 %…"


def test_marks_are_exchanged() -> None:
    assert retype('Il a dit "oui", puis “non”.', "guillemets").text == "Il a dit « oui », puis « non »."
    assert retype("Il viendra.", "without_final_stop").text == "Il viendra"
    assert retype("Il viendra…", "without_final_stop").text == "Il viendra…"


@pytest.mark.parametrize("text", ["Il faut ne rien dire.", "Il est sans pas de porte.", "Le nez, pas la bouche."])
def test_negation_keeps_what_is_none(text: str) -> None:
    assert retype(text, "without_ne").text == text


def test_spans_follow() -> None:
    start = TEXT.index("crois pas")
    result = retype(TEXT, "hurried")
    moved = slice(*result.span(start, start + len("crois pas")))
    assert result.text[moved] == "crois pas"
    ligature = TEXT.index("œuvre")
    result = retype(TEXT, "without_accents")
    assert result.text[slice(*result.span(ligature, ligature + 5))] == "oeuvre"


def test_a_span_that_is_dropped_is_empty() -> None:
    start, end = retype("Il ne vient pas.", "without_ne").span(3, 6)
    assert start == end == 3


@given(st.text(max_size=60), st.sampled_from(sorted(KINDS)), st.data())
def test_spans_stay_inside_and_in_order(text: str, kind: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    result = retype(text, kind)
    new_start, new_end = result.span(start, end)
    assert 0 <= new_start <= new_end <= len(result.text)
    assert result.span(0, len(text)) == (0, len(result.text))


@given(st.text(max_size=60), st.integers(0, 3))
def test_retyping_depends_on_text_and_seed_alone(text: str, seed: int) -> None:
    assert retyped(text, seed, 0.5) == retyped(text, seed, 0.5)
    assert retyped(text, seed, 0.0).text == text


def test_share_and_seed() -> None:
    texts = [f"Il n'a pas vu l'été {number}." for number in range(400)]
    changed = {seed: [t for t in texts if retyped(t, seed, 0.25).text != t] for seed in (1, 2)}
    assert all(70 <= len(found) <= 130 for found in changed.values())
    assert changed[1] != changed[2]
    assert all(retyped(t, 1, 1.0).text != t for t in texts)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(CertaintyError, match=r"'shouted' is unknown. Allowed: capitals"):
        retype("Oui.", "shouted")
    with pytest.raises(CertaintyError, match="share is 2"):
        retyped("Oui.", 1, 2)
