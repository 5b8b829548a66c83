"""Filtering a scored document."""

import pytest

import certainty
from certainty import CertaintyError, Document, Label, SentenceScore

TEXT = "Il est parti. Il serait parti, dit-on. Il serait parti. Parti ?"


def scored(text: str, label: Label, probability: float, claim: bool = True, attributed: bool = False) -> SentenceScore:
    start = TEXT.index(text)
    probabilities = {other: probability if other is label else (1 - probability) / 3 for other in Label}
    return SentenceScore(text, start, start + len(text), label, probabilities, claim, attributed, ())


DOCUMENT = Document(
    TEXT,
    (
        scored("Il est parti.", Label.ASSERTED, 0.9),
        scored("Il serait parti, dit-on.", Label.PROBABLE, 0.8, attributed=True),
        scored("Il serait parti.", Label.PROBABLE, 0.5),
        scored("Parti ?", Label.ASSERTED, 0.6, claim=False),
    ),
)


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"label": "probable"}, [1, 2]),
        ({"label": Label.ASSERTED}, [0, 3]),
        ({"label": ["probable", Label.DENIED]}, [1, 2]),
        ({"label": []}, []),
        ({"min_probability": 0.8}, [0, 1]),
        ({"min_probability": 1}, []),
        ({"attributed": True}, [1]),
        ({"attributed": False}, [0, 2, 3]),
        ({"claims_only": True}, [0, 1, 2]),
        ({"label": "asserted", "claims_only": True, "min_probability": 0.95}, []),
    ],
)
def test_keeps_the_sentences_that_meet_every_condition(conditions: dict[str, object], kept: list[int]) -> None:
    filtered = DOCUMENT.filter(**conditions)  # type: ignore[arg-type]
    assert list(filtered) == [DOCUMENT[i] for i in kept]
    assert filtered.text == TEXT


def test_a_filtered_document_has_every_view() -> None:
    probable = DOCUMENT.filter("probable").filter(min_probability=0.7)
    assert probable.counts()[Label.PROBABLE] == 1
    assert [TEXT[s.start : s.end] for s in probable] == ["Il serait parti, dit-on."]
    page = probable.to_html()
    assert page.count('data-probability="') == 1
    assert '<span class="certainty-rest">Il est parti. </span>' in page


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"label": "probabel"}, r"'probabel'. Did you mean 'probable'\? Allowed: asserted, probable, personal_opinion"),
        ({"label": ["asserted", 3]}, "unknown label 3. Allowed: asserted"),
        ({"label": 3}, "unknown label 3. Allowed: asserted"),
        ({"min_probability": 80}, "min_probability is 80; give a number between 0 and 1"),
        ({"min_probability": "0.8"}, "min_probability is '0.8'; give"),
        ({"attributed": "yes"}, "attributed is 'yes'; give True, False, or None"),
        ({"claims_only": None}, "claims_only is None; give True or False"),
    ],
)
def test_bad_conditions_name_what_is_allowed(conditions: dict[str, object], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        DOCUMENT.filter(**conditions)  # type: ignore[arg-type]


def test_filters_what_the_model_found() -> None:
    document = certainty.score("La Russie aurait livré des armes. Moscou dément.")
    assert [s.text for s in document.filter(label="denied")] == ["Moscou dément."]
