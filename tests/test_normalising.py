"""The text that the model reads, and where its characters stood."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certainty.normalising import page_breaks, reading_form, without_invisible

INVISIBLE = "\xad\u200b\u200d\u202e\ufeff\ufe0f\x00\x07"
PIECES = [*"aéÀ1 -‐¬.,\n\r\t\x0b\x0c\x1c\x1f\x85\u2028\xa0😀\ud800", *INVISIBLE, "\r\n", "\n12\n\x0c", "-\n"]
texts = st.one_of(st.text(st.characters(exclude_categories=())), st.lists(st.sampled_from(PIECES)).map("".join))

# `|` is where a line ends after a hyphen; the hyphen goes.
BROKEN = "pro|posé gouver|nement impos|sible ser|ait aur|ait dém|ent ver|tu ce|lui poli|ce avr|il mai|son ex|pliquer"
BROKEN += " cou|leur con|vaincre bat|tu au|tomne pré|fète chan|sons grand|ir sous|crire porte|ra non|chalant PRÉSI|DENT"
BROKEN += " Baptis|te l'immi|gration avan|tage mini|stère Fran|çais géné|rale"
# Here it stays.
COMPOUND = "peut|être dit|il est|ce qu'est|ce puis|je as|tu a-t|il a|t-il avez|vous sommes|nous sont|elles vis|à-vis"
COMPOUND += " vis-à|vis chef|d'œuvre c'est-à|dire vice|président sous|préfet ex|ministre demi|finale après|midi"
COMPOUND += " celui|ci ceux|là au|delà au|dessus quatre|vingts vingt|deux dix|sept quelques|uns porte|parole grand|mère"
COMPOUND += " Saint|Denis Seine|et-Marne Jean|Pierre covid|19 2019|2020 rez-de|chaussée non|violence avant|hier"
COMPOUND += " ci|dessous eux|mêmes"


@pytest.mark.parametrize("word", BROKEN.split())
def test_a_word_broken_at_the_end_of_a_line_is_joined(word: str) -> None:
    for broken in ("-\n", "-\r\n  ", "¬\n", "\xad\n", "-\n\n12\n\n\x0c", "\u2010 \n"):
        assert reading_form(f"Le {word.replace('|', broken)} est là.").text == f"Le {word.replace('|', '')} est là."


@pytest.mark.parametrize("word", COMPOUND.split())
def test_a_compound_keeps_its_hyphen(word: str) -> None:
    assert reading_form(f"Le {word.replace('|', '-' + chr(10))}, là.").text == f"Le {word.replace('|', '-')}, là."


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Le chan\xadtier devr\xadait finir.", "Le chantier devrait finir."),
        ("\u202aIl \u200bn'a\u2060 rien\x07 dit\ufeff.\u202c", "Il n'a rien dit."),
        ("Il nie\n  avoir \r\n\r\n signé.", "Il nie avoir signé."),
        ("Il nie avoir\n\n- 12 -\n\n\x0creçu\n\x0c3/4\nde l'argent.", "Il nie avoir reçu de l'argent."),
        ("Il part –\nenfin.", "Il part – enfin."),
        ("Un tiret -\nseul.", "Un tiret - seul."),
        ("Oui 👩\u200d🚀 ❤\ufe0f.", "Oui 👩🚀 ❤."),
    ],
)
def test_what_the_model_reads(text: str, read: str) -> None:
    assert reading_form(text).text == read


def test_spans_are_those_of_the_given_text() -> None:
    text = "Il est impos-\nsible de \u200bvoir."
    form = reading_form(text)
    start = form.text.index("impossible")
    assert text[slice(*form.span(start, start + len("impossible")))] == "impos-\nsible"
    start = form.text.index("voir")
    assert form.spans([(start, start + 4), (start, start)]) == [(23 + 1, 28), (24, 24)]


@settings(deadline=None)
@given(texts)
@example("a-\nb")
@example("-\n\n\x0c1\n")
@example("<P>")
def test_offsets_grow_and_lead_back(text: str) -> None:
    for form in (without_invisible(text), reading_form(text)):
        assert len(form.offsets) == len(form.text) + 1
        assert form.offsets[-1] == len(text)
        assert all(left < right for left, right in pairwise(form.offsets))
        assert len(form.ends) == len(form.text)
        assert all(
            left < end <= right for left, end, right in zip(form.offsets[:-1], form.ends, form.offsets[1:], strict=True)
        )
        for character, offset in zip(form.text, form.offsets, strict=False):
            # A tag such as <p> is read as the line break that it shows.
            is_space = (character == " " and text[offset].isspace()) or (character in " \n" and text[offset] == "<")
            assert text[offset] == character or is_space


@settings(deadline=None)
@given(texts)
def test_nothing_that_is_seen_is_lost(text: str) -> None:
    dropped = set(range(len(text))) - set(reading_form(text).offsets)
    pages = {i for start, end in page_breaks(without_invisible(text).text) for i in range(start, end)}
    kept_pages = {without_invisible(text).offsets[i] for i in pages}
    lost = [text[i] for i in sorted(dropped - kept_pages)]
    assert not [c for c in lost if not c.isspace() and c not in "-‐¬\xad" and without_invisible(c).text]


@settings(deadline=None)
@given(texts)
def test_reading_twice_changes_nothing(text: str) -> None:
    once = reading_form(text).text
    assert reading_form(once) == (once, range(len(once) + 1), range(1, len(once) + 1))


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u115f\u1160\u3164\uffa0\\&<")))
def test_clean_text_is_read_as_it_stands(text: str) -> None:
    assert reading_form(text) == (text, range(len(text) + 1), range(1, len(text) + 1))
    assert reading_form(text).is_given


@pytest.mark.parametrize(
    ("markup", "read"),
    [
        ("L&rsquo;&eacute;t&eacute;&nbsp;fut&#32;l&#39;&#xE9;cart.", "L’été\xa0fut l'écart."),
        ("Le <b>maire</b> <a href='x.html' class=\"y\">d&eacute;ment</a>.", "Le maire dément."),
        ("Il par&shy;tirait<!-- note\n -->.", "Il partirait."),
        (r"Il nie.\nElle\r\n attend.", "Il nie. Elle attend."),
        ("AT&T; a < b et c > d, <toto>, &inconnu; R&D", None),
    ],
)
def test_markup_is_read_as_what_it_shows(markup: str, read: str | None) -> None:
    assert reading_form(markup).text == (read or markup)


def test_spans_of_entities_are_whole() -> None:
    text = "&Agrave; l&#39;&eacute;t&eacute;, oui."
    form = reading_form(text)
    assert form.text == "À l'été, oui."
    assert text[slice(*form.span(4, 7))] == "&eacute;t&eacute;"
    assert text[slice(*form.span(0, 1))] == "&Agrave;"


@settings(deadline=None)
@given(st.lists(st.sampled_from([*"aé <&;>/\n-\xad", "&eacute;", "&shy;", "&#10;", "<br>", "</p>", "<b>", "<!--"])))
def test_offsets_of_markup_grow_and_stay_within_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    for form in (without_invisible(text), reading_form(text)):
        assert len(form.offsets) == len(form.ends) + 1 == len(form.text) + 1
        places = list(zip(form.offsets[:-1], form.ends, form.offsets[1:], strict=True))
        assert all(0 <= left < end <= right <= len(text) for left, end, right in places)
