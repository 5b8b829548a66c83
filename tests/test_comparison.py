"""Two versions of a text, on documents built by hand."""

import json
import re
from dataclasses import replace

import pytest

from certainty import CertaintyError, Change, Document, Label, SentenceScore, compare
from certainty.labels import LABELS


def document(*sentences: tuple[str, Label] | tuple[str, Label, float] | tuple[str, Label, float, bool]) -> Document:
    """Sentences as (text, label, probability of it, attributed), one a line."""
    scores, start = [], 0
    for sentence in sentences:
        text, label, p, attributed = (*sentence, *(0.91, False)[len(sentence) - 2 :])
        rest = {other: (1 - p) / 3 for other in LABELS}
        probabilities = rest if label is Label.NO_CLAIM else {**rest, label: p}
        claim = 0.02 if label is Label.NO_CLAIM else 0.98
        scores.append(SentenceScore(text, start, start + len(text), label, probabilities, claim, attributed, ()))
        start += len(text) + 1
    return Document("\n".join(text for text, *_ in sentences), tuple(scores))


OLD = document(
    ("Le pont a cédé lundi matin.", Label.ASSERTED),
    ("Aucune victime n’est à déplorer.", Label.DENIED),
    ("Le maire l’« assure ».", Label.ASSERTED),
    ("Les travaux dureront trois mois.", Label.ASSERTED),
    ("Une enquête est ouverte.", Label.ASSERTED),
)
NEW = document(
    ("Une enquête est ouverte.", Label.ASSERTED),
    ("Le pont aurait cédé lundi matin, selon un témoin.", Label.PROBABLE, 0.91, True),
    ('Le maire l\'"assure".', Label.ASSERTED),
    ("Les travaux dureront sans doute quatre mois.", Label.ASSERTED, 0.85),
    ("Qui paiera ?", Label.NO_CLAIM),
)


def test_each_sentence_is_in_one_pair_with_what_happened_to_it() -> None:
    comparison = compare(OLD, NEW)
    told = [(pair.change, pair.old and pair.old.text[:9], pair.new and pair.new.text[:9]) for pair in comparison]
    assert told == [
        ("moved", "Une enquê", "Une enquê"),
        ("commitment", "Le pont a", "Le pont a"),
        ("removed", "Aucune vi", None),
        ("unchanged", "Le maire ", "Le maire "),  # other quotation marks are no rewording
        ("reworded", "Les trava", "Les trava"),
        ("added", None, "Qui paier"),
    ]
    assert comparison.counts() == dict.fromkeys(Change, 1)
    first = comparison[1]
    assert first.label_changed and first.attribution_changed
    assert first.certainty_change == pytest.approx(0.06 - 0.94)
    assert comparison[5].certainty_change is None and not comparison[5].label_changed


def test_a_commitment_changes_by_label_attribution_or_certainty() -> None:
    one = ("Le pont a cédé.", Label.PROBABLE, 0.9)
    (same,) = compare(document(one), document(("Le pont a cédé.", Label.PROBABLE, 0.75)))
    assert same.change is Change.UNCHANGED
    (less,) = compare(document(one), document(("Le pont a cédé.", Label.PROBABLE, 0.6)))
    assert less.change is Change.COMMITMENT and less.certainty_change == pytest.approx(0.2)
    assert compare(document(one), document(("Le pont a cédé.", Label.PROBABLE, 0.6)), min_change=0.3)[0].change == (
        "unchanged"
    )
    (told,) = compare(document(one), document((*one, True)))
    assert told.change is Change.COMMITMENT and told.attribution_changed and not told.label_changed


def test_where_a_model_cannot_tell_the_attribution_it_did_not_change() -> None:
    for known in (True, False):
        one = document(("Le pont a cédé.", Label.PROBABLE, 0.9, known))
        other = replace(one, sentences=(replace(one[0], attributed=None),))
        for versions in ((one, other), (other, one)):
            (pair,) = compare(*versions)
            assert pair.change is Change.UNCHANGED and not pair.attribution_changed


def test_the_best_pairs_are_taken_and_unlike_sentences_are_not_paired() -> None:
    old = document(("Le préfet a ordonné l’évacuation.", Label.ASSERTED), ("Il pleut.", Label.ASSERTED))
    new = document(
        ("Le préfet a parlé.", Label.ASSERTED),
        ("Le préfet a ordonné l’évacuation du quartier.", Label.ASSERTED),
        ("La police enquête toujours.", Label.ASSERTED),
    )
    assert [pair.change for pair in compare(old, new)] == ["added", "reworded", "removed", "added"]


def test_versions_may_be_empty_or_the_same() -> None:
    nothing = Document("", ())
    assert len(compare(nothing, nothing)) == 0 and compare(nothing, nothing).to_html()
    assert compare(nothing, NEW).counts()[Change.ADDED] == len(NEW)
    assert compare(OLD, nothing).counts()[Change.REMOVED] == len(OLD)
    assert compare(OLD, OLD).counts()[Change.UNCHANGED] == len(OLD)


def test_it_says_itself_in_a_line_in_lines_and_in_json() -> None:
    comparison = compare(OLD, NEW)
    assert comparison.summary() == (
        "5 sentences before, 5 sentences after · commitment changed: 1 · reworded: 1 · added: 1 · removed: 1 · "
        "moved: 1 · unchanged: 1"
    )
    lines = str(comparison).splitlines()
    assert lines[0] == f"# {comparison.summary()}" and len(repr(comparison)) < 200
    assert [line.split()[0] for line in lines[1:4]] == ["commitment:", "-", "+"]
    record = json.loads(comparison.to_json())
    assert record["counts"]["moved"] == 1
    assert [pair["change"] for pair in record["pairs"]] == [pair.change for pair in comparison]
    assert record["pairs"][1]["old"] == OLD[0].to_dict() and record["pairs"][2]["new"] is None


def test_the_page_shows_both_versions_and_their_differing_words() -> None:
    page = compare(OLD, NEW).to_html(title="Le pont <i>", lang="fr")
    assert '<html lang="fr">' in page and "<bdi>Le pont &lt;i&gt;</bdi></h1>" in page
    pairs = page.split('<div class="certainty-pair"')[1:]
    assert re.findall(r"<del>(.*?)</del>", pairs[1]) == ["a"]
    assert re.findall(r"<ins>(.*?)</ins>", pairs[1]) == ["aurait", ", selon un témoin"]
    assert "présenté comme un fait → probable · désormais attribué · certitude 94\u00a0% → 6\u00a0%" in pairs[1]
    assert pairs[3].count("<p hidden>") == 1 and "<ins>" not in pairs[3]
    assert 'data-counts="commitment=1 reworded=1 added=1 removed=1 moved=1 unchanged=1"' in page


def test_strings_are_scored() -> None:
    (pair,) = compare("Le pont a cédé.", "Le pont aurait cédé.")
    assert (pair.change, pair.old and pair.old.label, pair.new and pair.new.label) == (
        "commitment",
        "asserted",
        "probable",
    )


def test_what_is_no_version_is_told() -> None:
    with pytest.raises(CertaintyError, match=r"new is a list; give a Document or a string\."):
        compare(OLD, [NEW])  # type: ignore[arg-type]
    with pytest.raises(CertaintyError, match="min_change is 2; give a number between 0 and 1"):
        compare(OLD, NEW, min_change=2)
