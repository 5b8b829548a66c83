"""The public contract of scoring: offsets, probabilities, independence of neighbours, engines, bad input."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import certainty
from certainty import CertaintyClassifier, CertaintyError, Document, Label
from certainty.labels import LABELS
from certainty.normalising import without_invisible
from certainty.unread import SCORED_CHARACTERS

SENTENCES = [
    "La Russie aurait livré des armes.",
    "Moscou dément.",
    "À mon avis, le maire s'est trompé sur toute la ligne.",
    "Le train de 8 h 12 est arrivé à l'heure à la gare de Montreval.",
    "Qui a parlé ?",
    "Selon la préfète, personne n'a été blessé dans l'incendie 🔥 de l'entrepôt.",
]
TEXT = "Montreval, lundi.\r\n\r\n" + " ".join(SENTENCES)


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> CertaintyClassifier:
    return certainty.load(tiny_model)


def test_a_text_gives_a_document_whose_offsets_hold(classifier: CertaintyClassifier) -> None:
    document = classifier.score(TEXT)
    assert isinstance(document, Document)
    assert document.text == TEXT
    assert len(document) >= len(SENTENCES)
    for sentence in document:
        assert TEXT[sentence.start : sentence.end] == sentence.text
        assert sum(sentence.probabilities.values()) == pytest.approx(1)
        assert tuple(sentence.probabilities) == LABELS
        assert sentence.is_claim == (sentence.claim_probability >= classifier.settings.claim_threshold)
        best = max(sentence.probabilities, key=lambda label: sentence.probabilities[label])
        assert sentence.label is (best if sentence.is_claim else Label.NO_CLAIM)
        for cue in sentence.cues:
            assert TEXT[cue.start : cue.end] == cue.text
            assert cue.text.strip() == cue.text != ""


def test_a_list_gives_a_list(classifier: CertaintyClassifier) -> None:
    documents = classifier.score([TEXT, "", "Moscou dément."])
    assert [len(document) for document in documents] == [len(classifier.score(TEXT)), 0, 1]
    assert documents[0] == classifier.score(TEXT)
    assert list(classifier.stream(iter([TEXT, "", "Moscou dément."]))) == documents


def test_predict_follows_predict_proba(classifier: CertaintyClassifier) -> None:
    probabilities = classifier.predict_proba(SENTENCES)
    assert probabilities.shape == (len(SENTENCES), 4)
    assert list(classifier.classes_) == [label.value for label in LABELS]
    scores = classifier.score_sentences(SENTENCES)
    best = classifier.classes_[probabilities.argmax(axis=1)].tolist()
    expected = [label if score.is_claim else "no_claim" for label, score in zip(best, scores, strict=True)]
    assert classifier.predict(SENTENCES).tolist() == expected
    np.testing.assert_allclose([list(s.probabilities.values()) for s in scores], probabilities, atol=1e-12)
    assert [s.text for s in scores] == SENTENCES


def test_what_makes_no_claim_is_no_claim_everywhere() -> None:
    question, claim = "Viendra-t-il demain ?", "Le maire aurait démissionné, selon un élu."
    classifier = certainty.load()
    first, second = classifier.score_sentences([question, claim])
    assert (first.label, first.is_claim, first.attributed, first.cues) == (Label.NO_CLAIM, False, False, ())
    assert first.probability == 1 - first.claim_probability > 0.5 and first.certainty is None
    assert second.is_claim and second.probability == second.probabilities[second.label] and second.certainty < 0.5
    assert classifier.predict([question, claim]).tolist() == ["no_claim", "probable"]
    assert classifier.predict_proba([question, claim]).shape == (2, 4)
    assert classifier.predict([]).shape == (0,) and classifier.predict([]).dtype.kind == "U"


def test_a_score_depends_on_the_sentence_alone(classifier: CertaintyClassifier, tiny_model: Path) -> None:
    many = [f"{sentence} {'Bien sûr. ' * (i % 7)}" for i, sentence in enumerate(SENTENCES * 40)]
    together = classifier.predict_proba(many)
    np.testing.assert_allclose(together[::-1], classifier.predict_proba(many[::-1]), atol=1e-5)
    alone = np.concatenate([classifier.predict_proba([sentence]) for sentence in many[:30]])
    np.testing.assert_allclose(together[:30], alone, atol=1e-5)
    one_thread = certainty.load(tiny_model, threads=1).predict_proba(many)
    np.testing.assert_allclose(together, one_thread, atol=1e-5)


def test_engines_agree(classifier: CertaintyClassifier, tiny_model: Path) -> None:
    torch_engine = certainty.load(tiny_model, engine="torch")
    np.testing.assert_allclose(classifier.predict_proba(SENTENCES), torch_engine.predict_proba(SENTENCES), atol=1e-4)
    assert classifier.predict(SENTENCES).tolist() == torch_engine.predict(SENTENCES).tolist()


def test_plain_transformers_reads_the_same_probabilities(classifier: CertaintyClassifier, tiny_model: Path) -> None:
    from transformers import pipeline

    pipe = pipeline("text-classification", model=str(tiny_model), top_k=None)
    ours = classifier.predict_proba(SENTENCES)
    for sentence, expected in zip(SENTENCES, ours, strict=True):
        theirs = {row["label"]: row["score"] for row in pipe([sentence])[0]}
        np.testing.assert_allclose([theirs[label] for label in classifier.classes_], expected, atol=1e-4)


def test_plain_transformers_cuts_what_is_longer_than_the_encoder_takes(
    classifier: CertaintyClassifier, tiny_model: Path
) -> None:
    from transformers import pipeline

    pipe = pipeline("text-classification", model=str(tiny_model), top_k=None, truncation=True)
    sentence = "Le maire dément " + "que la rue soit fermée " * 100
    [tokens] = classifier.tokenize([sentence])
    [expected] = classifier.predict_proba_of_tokens([tokens.ids[: classifier.settings.max_length - 2]])
    theirs = {row["label"]: row["score"] for row in pipe([sentence])[0]}
    np.testing.assert_allclose([theirs[label] for label in classifier.classes_], expected, atol=1e-4)


def test_a_sentence_beyond_the_encoder_is_scored_by_windows(classifier: CertaintyClassifier) -> None:
    start = "Le maire de Montreval parle " + "de la pluie et du beau temps, " * 40
    plain, hedged = start + "et se tait.", start + "et aurait peut-être menti."
    longest = classifier.settings.max_length
    assert len(plain.split()) > 3 * longest
    first, second = classifier.predict_proba([plain, hedged])
    assert not np.array_equal(first, second), "the end of a long sentence must count"
    document = classifier.score("Il pleut. " + hedged)
    assert document[-1].text == hedged


def test_broken_and_invisible_characters_change_no_score(classifier: CertaintyClassifier) -> None:
    clean = "Le ministère dément avoir vendu des armes."
    given = "Le minis-\ntère dé\xadment avoir \u200bvendu\n\n12\n\n\x0cdes armes.\u200e"
    (tokens,), (expected,) = classifier.tokenize([given]), classifier.tokenize([clean])
    assert tokens.ids == expected.ids
    words = [given[start:end].strip() for start, end in tokens.offsets]
    assert "".join(words).replace("-\n", "").replace("\xad", "") == clean.replace(" ", "")
    (found,), (score,) = classifier.score(given), classifier.score_sentences([clean])
    assert found.probabilities == pytest.approx(score.probabilities, abs=1e-5)
    assert [given[cue.start : cue.end] for cue in found.cues] == [cue.text for cue in found.cues]
    assert len(found.cues) == len(score.cues)


def test_threads_share_one_classifier(classifier: CertaintyClassifier) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(classifier.score, [TEXT] * 12))
    assert all(result == results[0] for result in results)


def test_stream_is_lazy(classifier: CertaintyClassifier) -> None:
    read = 0

    def texts():
        nonlocal read
        for _ in range(100):
            read += 1
            yield "Il pleut. " * 5000

    assert len(next(classifier.stream(texts()))) == 5000
    assert read < 20


def test_stream_keeps_what_belongs_to_a_text(classifier: CertaintyClassifier) -> None:
    rows = [(TEXT, {"id": 1}), ("", None), ("Moscou dément.", 3)]
    documents, contexts = zip(*classifier.stream(rows, as_tuples=True), strict=True)
    assert [document.text for document in documents] == [text for text, _ in rows]
    assert contexts == tuple(context for _, context in rows)
    assert list(documents) == classifier.score([text for text, _ in rows])


def test_stream_reads_no_further_than_its_batch(classifier: CertaintyClassifier) -> None:
    texts = iter(["Il pleut."] * 10)
    documents = classifier.stream(texts, batch_size=3)
    assert len(next(documents)) == 1
    assert len(list(texts)) == 7
    assert len(list(documents)) == 2


def test_progress_is_shown_on_a_terminal_and_logged_elsewhere(
    classifier: CertaintyClassifier,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    expected = classifier.score(TEXT)
    assert classifier.score(TEXT, show_progress=True) == expected
    assert capsys.readouterr().err == "", "it is too short"
    for name in ("PATIENCE", "FIRST_LINE", "SECONDS"):
        monkeypatch.setattr(f"certainty.progress.{name}", 0.0)
    with caplog.at_level("INFO", "certainty"):
        assert classifier.score(TEXT, show_progress=True) == expected
    assert f"Scored {len(expected)} sentences (100 %)" in caplog.text and capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    monkeypatch.setenv("TERM", "xterm")
    assert classifier.score(TEXT, show_progress=True) == expected
    assert classifier.score([TEXT], show_progress=True) == [expected]
    assert list(classifier.stream([TEXT], show_progress=True)) == [expected]
    assert capsys.readouterr().err.count("Scored") >= 3
    classifier.score(TEXT)
    assert capsys.readouterr().err == ""


def test_a_function_is_told_of_the_progress(classifier: CertaintyClassifier) -> None:
    told: list[tuple[int, int | None]] = []
    n = len(classifier.score([TEXT] * 40, show_progress=lambda *state: told.append(state))) * len(
        classifier.score(TEXT)
    )
    assert told == sorted(told) and told[-1] == (n, n) and len(told) > 1
    for call in (classifier.score_sentences, classifier.predict, classifier.predict_proba):
        told.clear()
        call(["Il pleut.", "Il neige."], show_progress=lambda *state: told.append(state))
        assert told[-1] == (2, 2)
    told.clear()
    assert list(classifier.stream([TEXT, TEXT], batch_size=1, show_progress=lambda *state: told.append(state)))
    assert told[-1] == (2 * len(classifier.score(TEXT)), None)


def test_thresholds_change_in_a_classifier_that_shares_the_model(classifier: CertaintyClassifier) -> None:
    before = classifier.score(TEXT)
    none = classifier.with_thresholds(claim=1.0, attributed=1.0)
    assert not any(s.is_claim or s.attributed or s.cues for s in none.score(TEXT))
    every = classifier.with_thresholds(claim=0.0, attributed=0.0)
    assert all(s.is_claim and s.attributed for s in every.score(TEXT))
    assert classifier.score(TEXT) == before
    assert (every._engine, every.settings.cue_threshold) == (classifier._engine, classifier.settings.cue_threshold)
    with pytest.raises(AttributeError):
        classifier.settings = every.settings  # type: ignore[misc]
    with pytest.raises(CertaintyError, match="cue is 2; give a number between 0 and 1"):
        classifier.with_thresholds(cue=2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_string_is_scored(classifier: CertaintyClassifier, text: str) -> None:
    document = classifier.score(text)
    kept = "".join(sentence.text for sentence in document)
    assert all(text[s.start : s.end] == s.text for s in document)
    if "\f" not in text:  # or there may be page numbers
        seen = without_invisible(text).text
        assert len("".join(kept.split())) >= len("".join(seen.split())) - seen.count("\xad")
    assert json.loads(document.to_json())["text"] == text


@pytest.mark.parametrize(
    "text",
    ["\ud800 Il pleut.", "العربية لغة جميلة.", "Il pleut 😀🇫🇷.", "Il\x00pleut\x07.", "\ufeffIl pleut.", "It rains."],
)
def test_odd_text_is_scored(classifier: CertaintyClassifier, text: str) -> None:
    (sentence,) = classifier.score(text)
    assert text[sentence.start : sentence.end] == sentence.text


def test_large_texts(classifier: CertaintyClassifier) -> None:
    assert len(classifier.score("La pluie tombe sur la ville.\n" * 2000)) == 2000


RUN = "iVBORw0KGgoAAAANSUhEUg" * 10_000


def test_encoded_data_is_not_read_and_said_so(
    classifier: CertaintyClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"La pluie {RUN} tombe."
    around, alone = classifier.score_sentences([text, RUN])
    (given,) = classifier.score_sentences(["La pluie  tombe."])
    assert (around.text, around.unread, around.truncated) == (text, len(RUN), True)
    assert around.probabilities == pytest.approx(given.probabilities, abs=1e-5)
    assert (given.unread, given.truncated) == (0, False)
    assert all(text[cue.start : cue.end] == cue.text for cue in around.cues)
    assert (alone.label, alone.claim_probability, alone.unread) == (certainty.Label.NO_CLAIM, 0.0, len(RUN))
    assert alone.to_dict()["unread"] == len(RUN)
    assert [record.getMessage() for record in caplog.records] == [
        "2 sentences are not read to the end because of encoded data or more than 5000 characters; the "
        f"longest, at offset 0, without {len(RUN)} characters"
    ]


def test_a_long_sentence_is_read_to_a_limit(classifier: CertaintyClassifier) -> None:
    text = "la pluie " * 1000
    longest, cut = classifier.score_sentences([text, text[:SCORED_CHARACTERS]])
    assert (longest.unread, cut.unread) == (len(text) - SCORED_CHARACTERS, 0)
    assert longest.probabilities == cut.probabilities
    assert len(classifier.tokenize([text])[0].ids) == len(classifier.tokenize([text[:SCORED_CHARACTERS]])[0].ids)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.score(None), r"texts is NoneType"),
        (lambda c: c.score(b"Il pleut."), r"texts is bytes.*[Dd]ecode"),
        (lambda c: c.score(3.5), r"texts is float"),
        (lambda c: c.score(["Il pleut.", None]), r"texts\[1\] is NoneType"),
        (lambda c: list(c.stream(["Il pleut.", b"x"])), r"texts\[1\] is bytes"),
        (lambda c: list(c.stream("Il pleut.")), r"texts is a str; give a list"),
        (lambda c: c.score_sentences("Il pleut."), r"single str; give a list"),
        (lambda c: c.predict_proba(["Il pleut.", "  "]), r"sentences\[1\] is empty"),
        (lambda c: c.predict([1]), r"sentences\[0\] is int"),
        (lambda c: list(c.stream(["Il pleut."], as_tuples=True)), r"texts\[0\] is str.*Give a tuple"),
        (lambda c: list(c.stream([(None, 1)], as_tuples=True)), r"texts\[0\]\[0\] is NoneType"),
        (lambda c: list(c.stream(["Il pleut."], batch_size=0)), r"batch_size is 0; give an integer of at least 1"),
        (lambda c: list(c.stream(["Il pleut."], batch_size="8")), r"batch_size is '8'; give an integer"),
        (lambda c: c.score({"texte": "Il pleut."}), r"texts is dict .* Give a str or a list of str"),
    ],
)
def test_wrong_input_says_where_and_how_to_mend(classifier: CertaintyClassifier, call, message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        call(classifier)


def test_accents_that_were_decoded_wrongly_are_told(
    classifier: CertaintyClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    garbled = "La préfète récuse l'idée.".encode().decode("cp1252")
    classifier.predict(["Il pleut.", garbled, garbled, "Le groupe « Ã© »  a récusé l'idée à l'été."])
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "sentences[1] and 1 more look as if UTF-8 had been read as Windows-1252 (« Ã© » for « é »)"
    ]


def test_files_are_scored_by_their_content_only_if_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("article.txt").write_text("Il pleut.", encoding="utf-8")
    with pytest.raises(CertaintyError, match=r"texts is \w*Path .*article\.txt.* certainty\.read_files"):
        certainty.score(Path("article.txt"))  # type: ignore[call-overload]
    assert certainty.score("article.txt").text == "article.txt"
    assert "'article.txt' is the name of a file: the name is scored" in caplog.text
    caplog.clear()
    for text in ("article.text", "Il lit article.txt", "a" * 999, "\0", "\ud800"):
        certainty.score(text)
    assert caplog.text == ""


def test_empty_input(classifier: CertaintyClassifier) -> None:
    assert len(classifier.score("")) == 0
    assert len(classifier.score(" \r\n\t ")) == 0
    assert classifier.score([]) == []
    assert classifier.predict_proba([]).shape == (0, 4)


def test_broken_model_folders(tiny_model: Path, tmp_path: Path) -> None:
    def copy(name: str) -> Path:
        folder = Path(shutil.copytree(tiny_model, tmp_path / name))
        settings = json.loads((folder / "certainty.json").read_text())
        (folder / "certainty.json").write_text(json.dumps({**settings, "engine": "onnx"}))
        return folder

    with pytest.raises(CertaintyError, match="no such folder"):
        certainty.load(tmp_path / "missing")
    with pytest.raises(CertaintyError, match="model is 3; give a folder"):
        certainty.load(3)  # type: ignore[arg-type]
    with pytest.raises(CertaintyError, match=r"no certainty\.json"):
        certainty.load(tmp_path)
    with pytest.raises(CertaintyError, match="is a file; give the folder of the model"):
        certainty.load(tiny_model / "certainty.json")
    for name, content in {"certainty.json": "{", "tokenizer.json": "{}", "model.onnx": "not a model"}.items():
        folder = copy(f"broken-{name}")
        (folder / name).write_text(content)
        with pytest.raises(CertaintyError, match=rf"{name}: damaged"):
            certainty.load(folder)
    folder = copy("other-labels")
    values = json.loads((folder / "certainty.json").read_text())
    (folder / "certainty.json").write_text(json.dumps({**values, "labels": ["positive", "negative"]}))
    with pytest.raises(CertaintyError, match=r"labels .*positive"):
        certainty.load(folder)
    folder = copy("no-weights")
    (folder / "model.onnx").unlink()
    assert certainty.load(folder).predict(SENTENCES[:1]).shape == (1,)  # the torch engine takes over
    (folder / "model.safetensors").unlink()
    with pytest.raises(CertaintyError, match="cannot load the model's weights"):
        certainty.load(folder)
    with pytest.raises(CertaintyError, match="unknown engine 'tpu'"):
        certainty.load(tiny_model, engine="tpu")


def test_hub_ids_are_downloaded(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: asked.append(name) or str(tiny_model))
    assert certainty.load("owner/name").predict(SENTENCES[:1]).shape == (1,)
    assert asked == ["owner/name"]


def test_a_model_says_its_name_and_the_digest_of_its_weights(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    digest = hashlib.sha256((tiny_model / "model.safetensors").read_bytes()).hexdigest()
    trained_by = json.loads((tiny_model / "certainty.json").read_text())["training"]["versions"]["certainty"]
    classifier = certainty.load(tiny_model)
    assert classifier.model == certainty.ModelInfo("tiny", trained_by, digest)
    documents = [*classifier.score(["Moscou dément.", ""]), classifier.score("Moscou dément.")]
    assert {document.model for document in documents} == {classifier.model}
    cached = tmp_path / "models--owner--name" / "snapshots" / "c0ffee"
    shutil.copytree(tiny_model, cached)
    settings = json.loads((cached / "certainty.json").read_text())
    (cached / "certainty.json").write_text(json.dumps({**settings, "training": None}))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(cached))
    assert certainty.load("owner/name").model == certainty.ModelInfo("owner/name", None, digest)
    with (cached / "model.safetensors").open("ab") as weights:
        weights.write(b"more")
    assert certainty.load(cached, engine="onnx").model.digest != digest
    assert certainty.load().model.name == "certainty-fr-small"


def test_save_pretrained(classifier: CertaintyClassifier, tmp_path: Path) -> None:
    classifier.save_pretrained(tmp_path / "copy")
    copy = CertaintyClassifier.from_pretrained(tmp_path / "copy")
    np.testing.assert_array_equal(copy.predict_proba(SENTENCES), classifier.predict_proba(SENTENCES))


def test_save_pretrained_replaces_a_model_and_nothing_else(classifier: CertaintyClassifier, tmp_path: Path) -> None:
    classifier.with_thresholds(cue=0.9).save_pretrained(tmp_path / "a" / "model")
    (tmp_path / "a" / "model" / "old.txt").touch()
    assert certainty.load(tmp_path / "a" / "model").settings.cue_threshold == 0.9
    classifier.save_pretrained(tmp_path / "a" / "model")
    copy = certainty.load(tmp_path / "a" / "model")
    assert copy.settings == classifier.settings
    assert not (tmp_path / "a" / "model" / "old.txt").exists()
    copy.save_pretrained(tmp_path / "a" / "model")  # onto itself
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").touch()
    (tmp_path / "file").touch()
    for name, message in (
        ("notes", "notes: already exists and is not a model"),
        ("file", "file: already exists and is not a model"),
        ("file/model", "model: cannot be written"),
        ("a/model/inner", "inner: is inside the folder of the model itself"),
    ):
        with pytest.raises(CertaintyError, match=message):
            copy.save_pretrained(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file", "notes"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["model"]


def test_save_pretrained_leaves_nothing_half_written(
    classifier: CertaintyClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    classifier.save_pretrained(tmp_path / "model")
    monkeypatch.setattr(shutil, "copytree", full)
    for name in ("model", "new"):
        with pytest.raises(CertaintyError, match=rf"{name}: cannot be written \(No space left on device\)"):
            classifier.save_pretrained(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert certainty.load(tmp_path / "model").settings == classifier.settings


def test_unknown_labels_name_the_nearest() -> None:
    with pytest.raises(CertaintyError, match=r"'Personal opinon'.*'personal_opinion'.*Allowed: asserted, probable"):
        Label.parse("Personal opinon")


def test_import_is_light() -> None:
    program = (
        "import sys, certainty; heavy = {'torch', 'transformers', 'pandas', 'sklearn', 'scipy'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
