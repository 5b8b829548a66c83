"""The spaCy component, found through its entry point, on blank pipelines."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

import certainty
from certainty import CertaintyClassifier, CertaintyError, Cue, Document, Label, SentenceScore, Source
from certainty.labels import LABELS

TEXT = "\n\n  La Russie aurait livré des armes, selon un député. Moscou dément.\n\nL'Otan enquête 🛰️.\r\n "
BOUNDARY = "La livraison a eu lieu en juillet.La Russie a démenti. M. Dupont est reparti"


def pipeline(*names: str, **config: object) -> Language:
    nlp = spacy.blank("fr")
    for name in names:
        nlp.add_pipe(name)
    nlp.add_pipe("certainty", config=config)
    return nlp


@pytest.fixture(scope="module")
def nlp() -> Language:
    return pipeline("sentencizer")


def test_each_sentence_has_its_score_at_its_place(nlp: Language) -> None:
    doc = nlp(TEXT)
    scores = [span._.certainty for span in doc.sents]
    assert [score.label for score in scores[:2]] == [Label.PROBABLE, Label.DENIED]
    assert doc._.certainty == Document(TEXT, tuple(scores))
    for span, score in zip(doc.sents, scores, strict=True):
        assert TEXT[score.start : score.end] == score.text == span.text.strip()
        assert all(TEXT[cue.start : cue.end] == cue.text for cue in score.cues)
    (cue,) = scores[0].cues
    assert "aurait" in cue.text.split()


def test_what_is_shown_is_at_its_place(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    class StandIn:
        model = None

        def score_sentences(self, sentences: list[str]) -> list[SentenceScore]:
            return [self._score(sentence) for sentence in sentences]

        def _score(self, text: str) -> SentenceScore:
            words = 0, 2, text[:2]
            return SentenceScore(
                text, 0, len(text), Label.DENIED, dict.fromkeys(LABELS, 0.25), 1.0, True, (Cue(*words),),
                Label.PROBABLE, 0.9, (Cue(*words),), Source(*words),
            )  # fmt: skip

    monkeypatch.setattr(nlp.get_pipe("certainty"), "open", StandIn)
    doc = nlp("Il dit non. Elle dit non.")
    for score in doc._.certainty:
        for words in (*score.cues, *score.second_cues, score.source):
            assert doc.text[words.start : words.end] == words.text == score.text[:2]
    assert [(span.text, span.label_) for span in doc.spans["certainty_sources"]] == [
        ("Il", "source"),
        ("Elle", "source"),
    ]


def test_a_span_has_the_score_of_the_sentence_that_holds_it(nlp: Language) -> None:
    doc = nlp(TEXT)
    russia = doc.char_span(TEXT.index("La Russie"), TEXT.index(" aurait"))
    assert russia._.certainty is doc._.certainty[0]
    assert doc[:]._.certainty is None, "several sentences"
    assert doc[:1]._.certainty is None, "white space"
    assert nlp.make_doc(TEXT)[2:4]._.certainty is None, "never scored"


def test_the_sentences_are_spans_for_displacy(nlp: Language) -> None:
    doc = nlp("\n La Russie aurait livré des armes. Moscou dément. Pourquoi ?")
    spans = doc.spans["certainty"]
    assert [(span.label_, span._.certainty) for span in spans] == [(s.label, s) for s in doc._.certainty]
    assert [span.label_ for span in spans] == ["probable", "denied", "no_claim"]
    page = spacy.displacy.render(doc, style="span", options={"spans_key": "certainty"}, jupyter=False)
    assert "denied" in page and "no_claim" in page


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_document_without_words_is_empty(nlp: Language, text: str) -> None:
    doc = nlp(text)
    assert doc._.certainty == Document(text, ())
    assert doc[:]._.certainty is None
    assert pipeline(sentences="certainty")(text)._.certainty == Document(text, ())


def test_our_sentences_are_those_of_score() -> None:
    doc = pipeline(sentences="certainty")(BOUNDARY)
    assert [span.text for span in doc.sents] == [s.text for s in certainty.score(BOUNDARY)]
    assert doc._.certainty == certainty.score(BOUNDARY)


def test_white_space_before_the_first_sentence_is_no_sentence() -> None:
    doc = pipeline(sentences="certainty")(TEXT)
    assert [span._.certainty for span in doc.sents] == list(doc._.certainty) == list(certainty.score(TEXT))


def test_without_sentence_boundaries_the_error_says_what_to_add() -> None:
    with pytest.raises(CertaintyError, match=r'add_pipe\("sentencizer", before="certainty"\)'):
        pipeline()(BOUNDARY)


def test_our_sentences_do_not_replace_those_of_a_parser() -> None:
    nlp = pipeline(sentences="certainty")
    parsed = Doc(nlp.vocab, words=["Moscou", "dément"], heads=[1, 1], deps=["nsubj", "ROOT"])
    with pytest.raises(CertaintyError, match="before the parser"):
        nlp.get_pipe("certainty")(parsed)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(CertaintyError, match=r"sentences is 'syntok'\. Allowed: 'spacy', 'certainty'"):
        pipeline(sentences="syntok")
    with pytest.raises(CertaintyError, match="nowhere: no such folder"):
        pipeline("sentencizer", model="nowhere")
    with pytest.raises(CertaintyError, match="abacus"):
        pipeline("sentencizer", engine="abacus")
    with pytest.raises(CertaintyError, match="threads is 0; give an integer of at least 1"):
        pipeline("sentencizer", threads=0)


def test_an_unknown_device_is_named() -> None:
    pytest.importorskip("torch")
    with pytest.raises(CertaintyError, match="unknown device 'gpu'"):
        pipeline("sentencizer", device="gpu")


def test_threads_are_those_of_the_setting(tmp_path: Path) -> None:
    nlp = pipeline("sentencizer", threads=1)
    nlp.to_disk(tmp_path)
    for component in (nlp.get_pipe("certainty"), spacy.load(tmp_path).get_pipe("certainty")):
        assert component.open()._engine.workers == 1


def test_without_spacy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy.pipeline", None)
    with pytest.raises(CertaintyError, match=r"pip install 'certainty-fr\[spacy\]'"):
        runpy.run_path(str(Path(certainty.__file__).with_name("spacy.py")))


def test_a_batch_is_scored_in_one_call(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    score_sentences = CertaintyClassifier.score_sentences
    monkeypatch.setattr(
        CertaintyClassifier,
        "score_sentences",
        lambda self, sentences: sizes.append(len(sentences)) or score_sentences(self, sentences),
    )
    docs = list(nlp.pipe([TEXT, "", "Moscou dément."] * 4, batch_size=6))
    assert sizes == [8, 8]
    assert [len(doc._.certainty) for doc in docs] == [3, 0, 1] * 4


def test_results_are_the_same_from_worker_processes(nlp: Language) -> None:
    texts = [TEXT, "", BOUNDARY]
    one, two = ([doc._.certainty for doc in nlp.pipe(texts, n_process=n)] for n in (1, 2))
    assert one == two


def test_an_error_handler_can_pass_over_a_batch() -> None:
    nlp = pipeline()
    failed: list[str] = []
    nlp.set_error_handler(lambda name, _, docs, error: failed.extend(doc.text for doc in docs))
    assert [doc.text for doc in nlp.pipe(["Un deux.", "Moscou"], batch_size=1)] == ["Moscou"]
    assert failed == ["Un deux."]


def test_scores_survive_bytes_and_docbin(nlp: Language) -> None:
    doc = nlp(TEXT)
    assert Doc(nlp.vocab).from_bytes(doc.to_bytes())._.certainty == doc._.certainty
    packed = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (unpacked,) = DocBin(store_user_data=True).from_bytes(packed).get_docs(nlp.vocab)
    assert unpacked._.certainty == doc._.certainty
    assert [span._.certainty for span in unpacked.sents] == [span._.certainty for span in doc.sents]


def test_a_saved_pipeline_brings_the_model_that_was_named(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    nlp = pipeline("sentencizer", model=str(folder))
    expected = nlp(TEXT)._.certainty
    nlp.to_disk(tmp_path / "pipeline")
    folder.rename(tmp_path / "elsewhere")
    loaded = spacy.load(tmp_path / "pipeline")
    assert loaded(TEXT)._.certainty == expected
    loaded.to_disk(tmp_path / "pipeline")
    loaded.to_disk(tmp_path / "second")
    assert spacy.load(tmp_path / "second")(TEXT)._.certainty == expected


def test_a_saved_pipeline_leaves_the_default_model_in_the_package(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    assert not (tmp_path / "certainty").exists()
    assert spacy.load(tmp_path)(TEXT)._.certainty == nlp(TEXT)._.certainty


def test_a_pipeline_goes_through_bytes(nlp: Language) -> None:
    copy = spacy.blank("fr").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert copy(TEXT)._.certainty == nlp(TEXT)._.certainty
