"""A scored document: its parts, what it is as text, JSON and back."""

import json
from dataclasses import replace

import pytest

import certainty
from certainty import CertaintyError, Cue, Document, Label, ModelInfo, SentenceScore, Source
from certainty.labels import LABELS

TEXT = "Il est parti. Il serait parti, dit-on. Il serait parti. Parti ?"


def scored(text: str, label: Label, probability: float, claim: bool = True, attributed: bool = False) -> SentenceScore:
    start = TEXT.index(text)
    probabilities = {other: probability if other is label else (1 - probability) / 3 for other in LABELS}
    if not claim:
        return SentenceScore(text, start, start + len(text), Label.NO_CLAIM, probabilities, 0.25, False, ())
    return SentenceScore(text, start, start + len(text), label, probabilities, 0.98, attributed, ())


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
        ({"label": Label.ASSERTED}, [0]),
        ({"label": "no_claim"}, [3]),
        ({"label": "no_claim", "claims_only": True}, []),
        ({"label": ["no_claim", "asserted"], "min_probability": 0.75}, [0, 3]),
        ({"label": ["probable", Label.DENIED]}, [1, 2]),
        ({"label": []}, []),
        ({"min_probability": 0.8}, [0, 1]),
        ({"min_probability": 0.75}, [0, 1, 3]),
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
        ({"label": ["asserted", 3]}, "unknown label 3. Allowed: asserted, .*no_claim"),
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


def test_counts_sum_to_the_sentences() -> None:
    assert DOCUMENT.counts() == {"asserted": 1, "probable": 2, "personal_opinion": 0, "denied": 0, "no_claim": 1}
    assert Document("", ()).counts() == dict.fromkeys(Label, 0)


def test_a_sentence_without_a_claim() -> None:
    question = DOCUMENT[3]
    assert (question.label, question.is_claim, question.probability) == (Label.NO_CLAIM, False, 0.75)
    assert question.certainty is None and question.to_dict()["certainty"] is None
    assert DOCUMENT[0].certainty == pytest.approx(0.9 + 0.1 / 3)
    for change in ({"attributed": True}, {"cues": (Cue(56, 61, "Parti"),)}):
        with pytest.raises(CertaintyError, match="without a claim cannot be attributed or have cues"):
            replace(question, **change)


def test_what_the_model_cannot_tell_is_none() -> None:
    untaught = replace(
        DOCUMENT, sentences=tuple(replace(s, claim_probability=None, attributed=None) for s in DOCUMENT[:3])
    )
    first = untaught[0]
    assert (first.is_claim, first.attributed, first.label, first.probability) == (None, None, Label.ASSERTED, 0.9)
    assert first.certainty == DOCUMENT[0].certainty
    assert Document.from_json(untaught.to_json()) == untaught
    assert untaught.filter(claims_only=True) == untaught.filter(attributed=None) == untaught
    assert not untaught.filter(attributed=True) and not untaught.filter(attributed=False)
    with pytest.raises(CertaintyError, match="claim_probability is None, but the label is no_claim"):
        replace(DOCUMENT[3], claim_probability=None)
    with pytest.raises(CertaintyError, match="source is given, but attributed is None"):
        replace(NAMED[1], attributed=None)


def test_a_slice_is_a_document() -> None:
    assert DOCUMENT[1:3] == Document(TEXT, DOCUMENT.sentences[1:3])
    assert DOCUMENT[:] == DOCUMENT and DOCUMENT[-1:][0] is DOCUMENT[3]
    assert [s.text for s in DOCUMENT[::2]] == ["Il est parti.", "Il serait parti."]
    assert list(reversed(DOCUMENT)) == list(DOCUMENT)[::-1]
    with pytest.raises(CertaintyError, match=r"use reversed\(document\)"):
        DOCUMENT[::-1]


def test_a_document_is_short_in_a_list_and_a_table_in_print() -> None:
    assert repr([DOCUMENT, Document("", ())]) == (
        "[<Document 'Il est parti. Il serait parti, dit-on. I…': 4 sentences (1 asserted, 2 probable, 1 no_claim)>, "
        "<Document '': 0 sentences>]"
    )
    assert str(DOCUMENT).split("\n") == [
        "# 1 asserted, 2 probable, 0 personal_opinion, 0 denied, 1 no_claim",
        "asserted           90%  -           Il est parti.",
        "probable           80%  attributed  Il serait parti, dit-on.",
        "probable           50%  -           Il serait parti.",
        "no_claim           75%  -           Parti ?",
    ]


def test_the_model_goes_with_its_scores() -> None:
    model = ModelInfo("owner/name", None, "0" * 64)
    document = replace(DOCUMENT, model=model)
    assert document[1:].model == document.filter(label="probable").model == model
    assert list(document.to_dict()) == ["text", "model", "sentences"]
    assert Document.from_json(document.to_json()).model == model
    assert "model" not in DOCUMENT.to_dict() and Document.from_json(DOCUMENT.to_json()).model is None


def test_the_heads_of_a_model_go_with_it_unless_they_are_not_known() -> None:
    known = ModelInfo("mine", None, "0" * 64, ("claim", "cue"))
    record = known.to_dict()
    assert record["heads"] == ["claim", "cue"] and ModelInfo.from_dict(record).heads == known.heads
    unknown = ModelInfo.from_dict({name: record[name] for name in ("name", "version", "digest")})
    assert unknown.heads is None and "heads" not in unknown.to_dict()
    assert unknown == known, "the digest tells models apart"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("mine", "model is 'mine'; it must be an object"),
        ({"name": "mine"}, "model.digest is None"),
        ({"name": "mine", "digest": "ZZ"}, "model.digest is 'ZZ'; it must have 64"),
        ({}, "model.name"),
        ({"name": "mine", "digest": "0" * 64, "heads": "cue"}, "model.heads is 'cue'; it must be a list"),
    ],
)
def test_a_model_that_cannot_be_read(model: object, message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        Document.from_dict({**DOCUMENT.to_dict(), "model": model})


def test_what_was_written_is_read_back() -> None:
    document = certainty.score("La Russie aurait livré des armes, selon un élu. Moscou dément. Pourquoi ? \ud800")
    assert Document.from_json(document.to_json()) == document
    assert Document.from_json(document.to_json(indent=1).encode()) == document
    assert Document.from_dict(document.to_dict()) == document
    assert Document.from_dict({**document.to_dict(), "file": "a.txt", "note": {"name": "mine"}}) == document
    assert Document.from_dict(DOCUMENT[1:].to_dict()) == DOCUMENT[1:]


SAID = "Selon Le Monde, il serait parti, mais il est là. « Non », dit-elle. Il dort, selon le  monde."


def said(text: str, label: Label, source: str, **members: object) -> SentenceScore:
    start, place = SAID.index(text), SAID.index(source)
    words = Source(place, place + len(source), source)
    return SentenceScore(
        text, start, start + len(text), label, dict.fromkeys(LABELS, 0.25), 0.9, True, (), source=words, **members
    )


NAMED = Document(
    SAID,
    (
        said(
            "Selon Le Monde, il serait parti, mais il est là.",
            Label.ASSERTED,
            "Le Monde",
            second=Label.PROBABLE,
            second_probability=0.75,
            second_cues=(Cue(19, 25, "serait"),),
        ),
        said("« Non », dit-elle.", Label.DENIED, "elle"),
        said("Il dort, selon le  monde.", Label.ASSERTED, "le  monde"),
    ),
)


def test_second_claims_and_sources_are_written_and_read_back() -> None:
    assert Document.from_json(NAMED.to_json()) == NAMED
    record = NAMED.to_dict()["sentences"][0]
    assert (record["second"], record["second_probability"]) == ("probable", 0.75)
    assert record["second_cues"] == [{"start": 19, "end": 25, "text": "serait"}]
    assert record["source"] == {"start": 6, "end": 14, "text": "Le Monde"}
    lines = str(NAMED).split("\n")
    assert lines[1].endswith("il est là.  + probable [serait]  ❞ Le Monde")
    assert lines[2].endswith("dit-elle.  ❞ elle")


def test_a_file_of_an_earlier_release_is_read() -> None:
    record = DOCUMENT.to_dict()
    for sentence in record["sentences"]:
        for member in ("second", "second_probability", "second_cues", "source"):
            del sentence[member]
    assert Document.from_dict(record) == DOCUMENT


def test_claims_by_source() -> None:
    sources = NAMED.sources()
    assert list(sources) == ["Le Monde", "elle"], "a pronoun stays one"
    assert list(sources["Le Monde"]) == [NAMED[0], NAMED[2]], "capitals and spaces make no difference"
    assert sources["elle"].counts()[Label.DENIED] == 1
    assert DOCUMENT.sources() == {}


@pytest.mark.parametrize(
    ("sentence", "change", "message"),
    [
        (0, {"second": Label.ASSERTED}, "second is asserted in a sentence of label asserted"),
        (0, {"second": None}, "second_cues are given, but second is None"),
        (1, {"second": Label.NO_CLAIM}, "give another label of a claim, or None"),
        (1, {"attributed": False}, "source is given, but attributed is False"),
    ],
)
def test_contradictions_are_refused(sentence: int, change: dict[str, object], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        replace(NAMED[sentence], **change)  # type: ignore[arg-type]


def changed(**members: object) -> str:
    record = DOCUMENT.to_dict()
    record["sentences"][1] |= members
    return json.dumps(record)


def without(member: str) -> str:
    record = DOCUMENT.to_dict()
    del record["sentences"][1][member]
    return json.dumps(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a JSON document"),
        ("[]", "expected a scored document, found a list"),
        ('{"text": "a", "label": "denied"}', "found an object with text, label; give an object with `text` and"),
        ('{"text": "a", "sentences": "b"}', "`sentences` a list"),
        ('{"text": "a", "sentences": [1]}', r"sentences\[0\]: expected an object, found int"),
        (changed(label="true"), r"sentences\[1\]: unknown label 'true'"),
        (changed(label=1), r"sentences\[1\]: label is 1; it must be a string"),
        (changed(start=True), "start is True; it must be a whole number"),
        (changed(start=3), r"'Il serait parti, dit-on.' is not at \[3, 38\]"),
        (changed(cues=[{"start": 0, "end": 2, "text": "Il"}]), r"'Il' is not at \[0, 2\]"),
        (changed(source={"start": 0, "end": 2, "text": "Il"}), r"'Il' is not at \[0, 2\]"),
        (changed(second="no_claim"), "unknown label 'no_claim'. Allowed: asserted, probable, personal_opinion, denied"),
        (changed(second_probability=2), "second_probability is 2; give a number between 0 and 1"),
        (changed(label="no_claim"), "without a claim cannot be attributed"),
        (changed(probabilities={"asserted": 1}), "probabilities.probable is None; give a number between 0 and 1"),
        (changed(probabilities=dict.fromkeys(LABELS, 0.9)), r"sentences\[1\]: the probabilities sum to 3.6; they must"),
        (changed(claim_probability=2), "claim_probability is 2; give a number between 0 and 1"),
        (changed(**DOCUMENT[0].to_dict()), r"sentences\[1\] begins before the previous sentence ends"),
        (changed(attributed=1), "attributed is 1; it must be true or false"),
        (without("attributed"), r"sentences\[1\]: 'attributed' is missing; give the output"),
        (without("claim_probability"), r"sentences\[1\]: 'claim_probability' is missing; give the output"),
    ],
)
def test_what_was_not_written_is_refused(content: str, message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        Document.from_json(content)


def test_arguments_of_a_wrong_type_are_told() -> None:
    with pytest.raises(CertaintyError, match="content is a NoneType; give the string that `to_json` returns"):
        Document.from_json(None)  # type: ignore[arg-type]
    with pytest.raises(CertaintyError, match="title is 5; give a string"):
        DOCUMENT.to_html(title=5)  # type: ignore[arg-type]


def test_a_sentence_that_is_not_there_is_told() -> None:
    with pytest.raises(IndexError, match=f"no sentence 10; the document has {len(DOCUMENT)} sentences"):
        DOCUMENT[10]


def test_json_lines_are_no_document() -> None:
    with pytest.raises(CertaintyError, match=r"as in JSON Lines.*certainty score --format json"):
        Document.from_json('{"text": "Il pleut."}\n{"text": "Il neige."}\n')


def test_a_sentence_has_a_short_repr() -> None:
    sentence = DOCUMENT[0]
    assert repr(sentence) == f"<SentenceScore {sentence.text!r}: {sentence.label}, {sentence.probability:.2f}>"
    assert len(repr(replace(sentence, text="Il pleut. " * 50))) < 100
