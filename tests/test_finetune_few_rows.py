"""Training on a few rows of one's own: splits without dev, cross-validation, automatic settings, the verdict."""

from __future__ import annotations

import csv
import json
import logging
import re
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import DATA

import certainty
from certainty import CertaintyError, Label, SentenceScore
from certainty.cli import main
from certainty.evaluation.known import known
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.automatic import suited, warn_if_unlikely
from certainty.finetuning.averaging import SHARES, Averages, best_average, choose_share
from certainty.finetuning.calibration import cross_calibrated
from certainty.finetuning.data import read_data
from certainty.finetuning.dev_logits import DevSentences, runner
from certainty.finetuning.fast_tokenizer import backend
from certainty.finetuning.features import IGNORED
from certainty.finetuning.partition import folds_of, near_duplicates, together
from certainty.finetuning.precision import round_weights
from certainty.finetuning.replay import read_replay, replayed
from certainty.finetuning.setup import set_up
from certainty.finetuning.start import find_start
from certainty.finetuning.verdict import against_initial, compared_with_initial, missed_claims
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.model_folder import KNOWN_FILE, ModelSettings
from certainty.tokenising import SentenceTokenizer

ROOT = Path(__file__).parent.parent
TOWNS = ("Sète", "Brest", "Lens", "Auch", "Dole", "Metz", "Vire", "Laon", "Foix", "Gap")
PLACES = ("pont", "marché", "lycée", "port", "cinéma", "stade", "musée", "moulin", "phare", "château")
WORDINGS = {
    "asserted": "À {}, le {} est fermé.",
    "rumeur": "{} vendrait son {}.",
    "personal_opinion": "Quelle honte que {} et ce {} !",
    "denied": "Personne à {} ne visite ce {}.",
}


def _rows() -> list[dict[str, str]]:
    """Ten documents, each with a sentence of each label under a user's names; they differ by the town."""
    return [
        {"text": wording.format(town, place), "label": name, "document": town}
        for town, place in zip(TOWNS, PLACES, strict=True)
        for name, wording in WORDINGS.items()
    ]


def _sentences() -> list[LabelledSentence]:
    return read_labelled(_rows(), {"rumeur": "probable"})


def test_documents_quads_and_near_duplicates_are_not_split() -> None:
    def row(text: str, group: int | None = None, **columns: str) -> LabelledSentence:
        return LabelledSentence(text, Label.ASSERTED, group=group, columns=columns)

    rows = [
        row("Le préfet a signé hier le permis de construire du nouveau port de commerce."),
        row("Le préfet a signé hier le permis de construire du nouveau port de commerce !"),
        row("Il pleut.", group=3),
        row("Le lac est gelé.", group=3, document="a"),
        row("Une bibliothèque ouvre à la rentrée.", document="a"),
        row("!"),
    ]
    sets = together(rows, "document").tolist()
    assert sets[0] == sets[1] and sets[2] == sets[3] == sets[4] and len(set(sets)) == 3
    assert len(set(together(rows).tolist())) == 4
    assert len(set(together([row("Lui, non !"), row("« Lui : NON. »")]).tolist())) == 1, "one text"
    assert near_duplicates(rows[2:], rows[:2]) == []
    assert near_duplicates(rows[:1], rows[1:3]) == [(rows[1].text, rows[0].text)]
    bare = row("LE PREFET A SIGNE HIER LE PERMIS DE CONSTRUIRE DU NOUVEAU PORT DE COMMERCE.")
    assert near_duplicates(rows[:1], [bare]) == [(bare.text, rows[0].text)]
    with pytest.raises(CertaintyError, match=r"group_by is 'doc', but train has no such column. Allowed: .*document"):
        together(rows, "doc")


def test_two_texts_are_as_similar_in_any_data() -> None:
    def rows(*texts: str) -> list[LabelledSentence]:
        return [LabelledSentence(text, Label.ASSERTED) for text in texts]

    praise, blame = rows("Génialissime !!!"), rows("Une honte ce restaurant !!!!")
    assert near_duplicates(rows("Le service est lent !!!"), praise) == near_duplicates(blame, praise) == []
    template = [
        f"Le patient {name} a été admis hier en urgence à la clinique." for name in ("Martin", "Roche", "Petit")
    ]
    for others in ([], template[2:] * 50):
        found = near_duplicates(rows(template[0], *others), rows(template[1]))
        assert [text for text, _ in found] == template[1:2], "however common it is"


def test_parts_that_are_uneven_are_told(caplog: pytest.LogCaptureFixture) -> None:
    formula = {"text": "Le bulletin paraît chaque lundi dans toutes les mairies.", "label": "asserted"}
    rows = read_labelled(_rows(), {"rumeur": "probable"})
    folds_of(rows, 5, "document", seed=1)
    assert "uneven" not in caplog.text
    glued = [row | {"document": town} for town in TOWNS[:6] for row in (formula,)]
    named = [{**row, "annotator": str(n)} for n, row in enumerate(glued)]
    folds_of([*rows, *read_labelled(named)], 3, "document", seed=1)
    assert "The 3 parts of train are uneven: the largest has 30 of 46 rows. The largest set" in caplog.text


def test_near_duplicates_of_one_template_take_little_memory() -> None:
    rows = read_labelled(
        {"text": f"Le scrutin numéro {n} a lieu dans la salle.", "label": "asserted"} for n in range(1500)
    )
    tracemalloc.start()
    try:
        assert not together(rows).any()
        assert tracemalloc.get_traced_memory()[1] < 60e6, "not every pair is kept"
    finally:
        tracemalloc.stop()


def test_all_absent_labels_are_named() -> None:
    rows = [LabelledSentence(f"Il aurait plu {n} fois.", Label.PROBABLE) for n in range(9)]
    with pytest.raises(CertaintyError, match=r"labelled asserted or personal_opinion or denied\. Add some"):
        folds_of(rows, 3, None, 0)


def test_folds_are_stratified_by_label_and_whole_by_document() -> None:
    sentences = _sentences()
    folds = folds_of(sentences, 5, "document", seed=1)
    for fold in range(5):
        held = [s for s, of in zip(sentences, folds, strict=True) if of == fold]
        assert [sum(s.label is label for s in held) for label in LABELS] == [2] * 4
        assert len({s.columns["document"] for s in held}) == 2
    assert folds.tolist() == folds_of(sentences, 5, "document", seed=1).tolist()


def test_too_few_rows_of_a_label_to_split_are_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_denied(count: int) -> list[LabelledSentence]:
        kept = TOWNS[:count]
        return [s for s in _sentences() if s.label is not Label.DENIED or s.columns["document"] in kept]

    told = r"3 rows labelled denied, in 3 sets .* without dev, train is split into 5 parts, which takes at least 5\."
    with pytest.raises(CertaintyError, match=rf"{told} Give dev, folds=3 at most, or more rows of this label"):
        read_data(with_denied(3), None)
    assert read_data(with_denied(3), None, settings=FinetuningSettings(folds=3)).folds
    with pytest.raises(
        CertaintyError, match=r"1 row labelled denied, in 1 set .* Give dev, or more rows of this label"
    ):
        read_data(with_denied(1), None)
    train = tmp_path / "train.jsonl"
    few = [row for row in _rows() if row["label"] != "denied" or row["document"] in TOWNS[:2]]
    train.write_text("".join(json.dumps(row) + "\n" for row in few), encoding="utf-8")
    assert main(["train", "--train", str(train), "--map", "rumeur=probable", "--output", str(tmp_path / "mine")]) == 2
    assert "Give --dev, --folds 2 at most, or more rows" in capsys.readouterr().err


def test_train_dev_and_test_have_columns_of_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"phrase": row["text"], "classe": row["label"], "document": row["document"]} for row in _rows()]
    names = {"rumeur": "probable"}
    columns = {"text_column": "phrase", "label_column": "classe"}
    data = read_data(rows[:24], rows[24:32], rows[32:], label_names=names, **columns)  # type: ignore[arg-type]
    assert [*data.train, *data.dev, *(data.test or ())] == _sentences()
    assert data.train[0].columns == {"document": "Sète"}
    with pytest.raises(
        CertaintyError, match=r"the rows: no column 'text'\. Found: classe, document, phrase\. Give text"
    ):
        finetune(rows, None, tmp_path / "mine", label_names=names, label_column="classe")
    train = tmp_path / "train.csv"
    with train.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(row for row in rows if row["classe"] != "denied" or row["document"] in TOWNS[:2])
    given = ["train", "--train", str(train), "--map", "rumeur=probable", "--output", str(tmp_path / "mine")]
    assert main([*given, "--text-column", "phrase"]) == 2
    told = "train.csv: no column 'label'. Found: classe, document, phrase. Give --label-column, or rename the column"
    assert told in capsys.readouterr().err
    assert main([*given, "--text-column", "phrase", "--label-column", "classe"]) == 2
    assert "2 rows labelled denied" in capsys.readouterr().err


def test_without_dev_a_fifth_of_train_is_set_apart(caplog: pytest.LogCaptureFixture) -> None:
    by_document = FinetuningSettings(group_by="document")
    with caplog.at_level(logging.INFO):
        data = read_data(_rows(), None, settings=by_document, label_names={"Rumeur": "probable"})
    assert (len(data.train), len(data.dev), data.folds) == (32, 8, None)
    assert "8 of 40 sentences of train are set apart as dev" in caplog.text
    documents = [{s.columns["document"] for s in split} for split in (data.train, data.dev)]
    assert documents[0].isdisjoint(documents[1])
    with pytest.raises(CertaintyError, match="folds says how to split train, but dev is given as well"):
        read_data(_rows(), _rows(), settings=by_document.replace(folds=2))
    with pytest.raises(CertaintyError, match="row 1: label: unknown label 'rumeur'"):
        read_data(_rows(), None)
    with pytest.raises(CertaintyError, match="pseudo_labels may have the sentences that are set apart as dev"):
        read_data(_rows(), None, settings=FinetuningSettings(pseudo_labels="pseudo.safetensors"))


def test_documents_of_a_given_dev_are_units_and_not_split(caplog: pytest.LogCaptureFixture) -> None:
    rows, names = _rows(), {"rumeur": "probable"}
    by_document = FinetuningSettings(group_by="document")
    data = read_data(rows[:24], rows[24:32], rows[32:], settings=by_document, label_names=names)
    assert (len(data.train), len(data.dev), data.group_by, data.folds) == (24, 8, "document", None)
    assert "document" not in caplog.text
    bare = [{name: value for name, value in row.items() if name != "document"} for row in rows]
    read_data(rows[:26], rows[26:32], bare[32:], settings=by_document, label_names=names)
    assert "2 of the 6 sentences of dev have a value of 'document' that train has too" in caplog.text
    assert "No row of test has a value of 'document', so they are taken for independent." in caplog.text
    with pytest.raises(CertaintyError, match=r"group_by is 'document', but no row of dev has .* Allowed: corpus, "):
        read_data(rows[:24], bare[24:], settings=by_document, label_names=names)


def test_a_sentence_with_two_labels_is_named(caplog: pytest.LogCaptureFixture) -> None:
    twice = {**_rows()[0], "label": "denied"}
    read_data([*_rows(), twice], None, label_names={"rumeur": "probable"})
    told = f"rows with different labels: 1, such as {twice['text']!r} (asserted and denied)."
    assert told in caplog.text


def test_test_rows_that_are_in_dev_too_are_told(caplog: pytest.LogCaptureFixture) -> None:
    dev = [{**row, "text": f"Dit-on, {row['text']}"} for row in _rows()[:20]]
    read_data(_rows(), dev, test=dev[:5], label_names={"rumeur": "probable"})
    assert "5 sentences of test are also in dev, on which the model is chosen and calibrated" in caplog.text
    with pytest.raises(CertaintyError, match="'Rumeur' stands for probable and denied; choose one"):
        read_data(_rows(), None, label_names={"rumeur": "probable", "Rumeur": "denied"})


def test_settings_suit_the_number_of_rows_unless_they_are_given(
    tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = find_start(FinetuningSettings())
    with caplog.at_level(logging.INFO):
        few = suited(FinetuningSettings(epochs=9), shipped, 200)
    assert (few.epochs, few.learning_rate, few.batch_size) == (9, 1e-4, 16)
    assert "Chosen for 200 sentences: learning_rate 0.0001, batch_size 16, evaluations_per_epoch 1" in caplog.text
    assert suited(few.replace(learning_rate=1e-5), shipped, 9000).learning_rate == 1e-5
    assert suited(FinetuningSettings(), shipped, 9000) == FinetuningSettings()
    from_encoder = FinetuningSettings(encoder=str(tiny_encoder))
    assert suited(from_encoder, find_start(from_encoder), 200) == from_encoder
    warn_if_unlikely(FinetuningSettings(learning_rate=0.1, epochs=1), 200)
    assert "learning_rate is 0.1, with which training is unlikely to work" in caplog.text
    assert "Training has only 6 steps" in caplog.text


def test_replayed_sentences_are_ours_and_never_held_out() -> None:
    pool = read_replay()
    assert {s.label for s in pool} >= set(LABELS) and any(s.cues for s in pool) and len(pool) > 1000
    sample = replayed(20, pool[:1000], seed=1)
    assert len(sample) == 20 and not {s.text for s in sample} & {s.text for s in pool[:1000]}
    assert sample == replayed(20, pool[:1000], seed=1) and replayed(0, [], seed=1) == []


def test_the_file_of_replayed_sentences_is_made_from_the_authored_ones() -> None:
    if not (ROOT / "training" / "data" / "contrast.jsonl").is_file():
        pytest.skip("the authored sentences are not here")
    from training.data.replay import chosen

    sentences = chosen(ROOT / "training" / "data")
    assert [(s.text, s.label, s.cues) for s in sentences] == [(s.text, s.label, s.cues) for s in read_replay()]
    assert not [s for s in sentences if s.group is None or s.group % 5 == 0]


def test_cross_validation_judges_every_row_and_says_if_the_model_is_better(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, config, output = tmp_path / "mine.csv", tmp_path / "config.yaml", tmp_path / "mine"
    with train.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label", "document"])
        writer.writeheader()
        writer.writerows(_rows())
    config.write_text("epochs: 12\nlearning_rate: 0.003\nreplay: 8\nfrozen_layers: 1\nbf16: false\n", encoding="utf-8")
    arguments = ["--train", train, "--folds", 2, "--group-by", "document", "--map", "RUMEUR=probable"]
    arguments += ["--initial", tiny_model, "--config", config, "--output", output]
    assert main(["train", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("── cross-validation ──\n40 sentences")
    assert "Fold 2 of 2." in captured.err and "Chosen for 40 sentences: batch_size 16" in captured.err
    told = re.search(
        r"On 40 claims of cross-validation \(optimistic: [^)]+\), macro-F1 is (\S+), and \S+ for tiny: .*\.$",
        captured.out,
        re.M,
    )
    evaluation = json.loads((output / "evaluation.json").read_text(encoding="utf-8"))
    assert told and list(evaluation) == ["cross-validation"]
    made = ModelSettings.load(output)
    assert made.training and made.engine == "onnx" and (made.training["folds"], made.training["replay"]) == (2, 8)
    result = made.training["against_initial"]
    assert f"{result['macro_f1']:.3f}" == told[1]
    assert result["macro_f1"] == pytest.approx(evaluation["cross-validation"]["metrics"]["macro_f1"]["value"])
    initial = certainty.load(tiny_model)
    gold = [s.label for s in _sentences()]
    predicted = initial.classes_[initial.predict_proba([row["text"] for row in _rows()]).argmax(axis=1)]
    own = np.mean(
        [
            2
            * sum(g == p == label for g, p in zip(gold, predicted, strict=True))
            / max(1, gold.count(label) + predicted.tolist().count(label))
            for label in LABELS
        ]
    )
    assert result["macro_f1_initial"] == pytest.approx(own)
    card = (output / "README.md").read_text(encoding="utf-8")
    assert told[0] in card and "cross-validated in 2 folds" in card and "| dev |" not in card
    settings = (output / "settings.yaml").read_text(encoding="utf-8")
    assert "batch_size: 16" in settings and "folds: 2" in settings
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine", "mine.csv"]


def test_replay_does_not_teach_a_head_that_the_rows_do_not(tiny_model: Path) -> None:
    """The heads stay as they are, but their loss on the replayed sentences guides the layers below."""
    settings = FinetuningSettings(initial=str(tiny_model), replay=8, frozen_layers=3, bf16=False)
    setup = set_up(settings, find_start(settings), _sentences(), None, None)
    assert setup.heads == () and len(setup.trainer.train_dataset) == 48
    assert setup.trainer.head_weights.cue == settings.cue_weight
    claims = [float(row["claim"]) for row in setup.trainer.train_dataset.rows]
    assert set(claims[:40]) == {IGNORED} and IGNORED not in claims[40:], "one-sided answers pull on nothing"
    moving = {name for name, p in setup.trainer.model.named_parameters() if p.requires_grad}
    assert moving and all(name.startswith("classifier.classifier.") for name in moving)
    with pytest.raises(CertaintyError, match="frozen_layers is 4, but the encoder has 3 layers"):
        set_up(settings.replace(frozen_layers=4), find_start(settings), _sentences(), None, None)


def test_evaluation_in_training_does_not_round_to_16_bits(tiny_model: Path, tmp_path: Path) -> None:
    settings = FinetuningSettings(initial=str(tiny_model), epochs=1, evaluations_per_epoch=1, bf16=True)
    dev = read_labelled(DATA / "tiny_dev.jsonl")
    setup = set_up(settings, find_start(settings), _sentences(), dev, tmp_path)
    setup.trainer.train()
    seen = setup.trainer.predict(setup.trainer.eval_dataset).predictions
    batch = setup.trainer.data_collator(setup.trainer.eval_dataset.rows)
    exact = setup.trainer.trained_model().logits(batch["input_ids"], batch["attention_mask"]).label
    np.testing.assert_allclose(seen, exact, atol=1e-5)


def _scores(labels: list[Label]) -> list[SentenceScore]:
    texts = [s.text for s in _sentences()]
    sure = [{label: 0.97 if label is own else 0.01 for label in LABELS} for own in labels]
    return [
        SentenceScore(text, 0, len(text), own, probabilities, 1.0, False, ())
        for text, own, probabilities in zip(texts, labels, sure, strict=True)
    ]


def test_the_result_is_an_average_with_the_initial_model(tiny_model: Path, tmp_path: Path) -> None:
    settings = FinetuningSettings(initial=str(tiny_model), initial_share=0.25, epochs=1, bf16=False)
    start = find_start(settings)
    model, initial = start.weights(settings), start.weights(settings)
    with torch.no_grad():
        for weights in model.parameters():
            weights += 1
    moved = {name: value.clone() for name, value in model.named_parameters()}
    averages = Averages(model, settings, start)
    assert averages.shares == (0.25,)
    averages.at(0.5)  # does not change what the next one starts from
    averages.at(0.25)
    kept = {name for name, value in model.named_parameters() if torch.equal(value, moved[name])}
    assert kept == {name for name in moved if name.startswith("heads.") and name.split(".")[1] not in start.heads}
    before = initial.state_dict()
    for name, value in model.named_parameters():
        if name not in kept:
            torch.testing.assert_close(value, before[name] + 0.75)
    rows = _sentences()
    finetune(rows, [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]], tmp_path / "mine", settings)
    assert "25 % those of `tiny`" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="initial_share is of a model to continue from"):
        FinetuningSettings(encoder="x", initial_share=0.5)


def test_held_out_sentences_choose_how_much_of_the_initial_model_is_kept(tiny_model: Path, tmp_path: Path) -> None:
    gold = np.array([0, 3, -1])
    sure, wrong = 4 * np.eye(4)[[0, 3, 0]], 4 * np.eye(4)[[1, 2, 0]]
    assert choose_share({0.0: sure / 2, 0.5: sure, 0.75: wrong}, gold) == 0.5
    assert choose_share({0.0: sure, 0.5: sure}, gold) == 0, "equally good: as it was trained"
    start = find_start(FinetuningSettings(initial=str(tiny_model)))
    model = start.weights(FinetuningSettings()).eval()
    with torch.no_grad():
        for weights in model.classifier.classifier.parameters():
            weights *= -9  # a training that has gone wrong
    averages = Averages(model, FinetuningSettings(initial=str(tiny_model)), start)
    assert averages.shares == SHARES
    tokenizer = SentenceTokenizer(backend(start.tokenizer()))
    dev = DevSentences(read_labelled(DATA / "tiny_dev.jsonl"), tokenizer, 64, 1)
    share, logits = best_average(averages, dev)
    assert share == max(SHARES)
    np.testing.assert_allclose(logits.label, dev.logits(runner(round_weights(averages.at(share)))).label)
    for settings in (FinetuningSettings(epochs=1, learning_rate=1e-5), FinetuningSettings(epochs=1, folds=2)):
        rows = _sentences()
        dev_rows = None if settings.folds else [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]]
        output = tmp_path / f"folds-{settings.folds}"
        finetune(rows, dev_rows, output, settings.replace(initial=str(tiny_model), bf16=False))
        training = json.loads((output / "certainty.json").read_text(encoding="utf-8"))["training"]
        assert training["initial_share"] in SHARES and training["initial_share_chosen"]
        assert yaml.safe_load((output / "settings.yaml").read_text(encoding="utf-8"))["initial_share"] is None


def test_the_verdict_is_plain() -> None:
    gold = [s.label for s in _sentences() if s.label]
    right, wrong, nearly = _scores(gold), _scores([Label.DENIED] * 40), _scores([*gold[:-1], Label.ASSERTED])
    better, worse, same = (
        against_initial("dev", new, initial, "old", _sentences())
        for new, initial in ((right, wrong), (wrong, right), (right, nearly))
    )
    assert [one["verdict"] for one in (better, worse, same)] == ["better", "worse", "undecided"]
    assert compared_with_initial(better).endswith("p ≤ 0.0001. The new model is better than old.")
    assert compared_with_initial(worse).endswith("The new model is worse than old; keep that one.")
    told = compared_with_initial(same)
    assert "cannot be told apart with so many rows; differences in accuracy under 0." in told
    wanted = re.search(r"about ([\d,]+) claims show a difference in accuracy of 0\.03\.", told)
    assert wanted and 300 < int(wanted[1].replace(",", "")) == same["claims_wanted"]
    assert compared_with_initial({**same, "split": "test"}).startswith("On 40 claims of test, macro-F1 is 1.000")
    kept = "its share of the initial weights chosen on these rows"
    assert kept not in compared_with_initial({**same, "split": "cross-validation"}), "it was given"
    for split in ("dev", "cross-validation"):
        assert kept in compared_with_initial({**same, "split": split, "share_is_chosen": True})


def test_rows_that_a_model_was_trained_on_give_no_verdict() -> None:
    sentences = _sentences()
    gold = [s.label for s in sentences if s.label]
    right, wrong, texts = _scores(gold), _scores([Label.DENIED] * 40), [s.text for s in sentences]
    few, many = (
        against_initial("test", right, wrong, "old", sentences, in_train=texts[:1], known_to_initial=texts[:known])
        for known in (2, 3)
    )
    counts = [[one[name] for name in ("in_train", "known_to_initial", "trained_on")] for one in (few, many)]
    assert counts == [[1, 2, 2], [1, 3, 3]]
    assert [(one["verdict"], one["reason"]) for one in (few, many)] == [("better", None), ("undecided", "trained_on")]
    assert compared_with_initial(few).startswith(
        "On 40 claims of test (2 of these rows, or nearly the same ones, were trained on), macro-F1"
    )
    told = compared_with_initial(many)
    assert (
        "These rows cannot show which model is better: 1 of them are in train, or nearly, and old was trained" in told
    )
    assert "better than" not in told and "cannot be told apart" not in told
    worse = against_initial("dev", wrong, right, "old", sentences, in_train=texts)
    assert (worse["verdict"], worse["trained_on"]) == ("undecided", 40)
    assert (
        "dev (40 of these rows, or nearly the same ones, were trained on; optimistic: its checkpoint"
        in compared_with_initial(worse)
    )


def test_test_rows_that_are_in_dev_are_told() -> None:
    sentences = _sentences()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)
    result = against_initial("test", right, wrong, "old", sentences, in_dev=[s.text for s in sentences[:7]])
    assert (result["in_dev"], result["verdict"]) == (7, "better")
    told = "optimistic: its checkpoint, its calibration chosen on 7 of these rows, which are in dev)"
    assert told in compared_with_initial(result)


def test_a_model_that_misses_more_claims_is_not_called_better() -> None:
    sentences = _sentences()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)

    def missing(scores: list[SentenceScore], count: int) -> list[SentenceScore]:
        return [replace(s, label=Label.NO_CLAIM, claim_probability=0.1) for s in scores[:count]] + scores[count:]

    little, much, alike, worse = (
        against_initial("test", missing(new, missed), missing(old, before), "old", sentences)
        for new, missed, old, before in (
            (right, 3, wrong, 1),
            (right, 30, wrong, 1),
            (right, 9, wrong, 9),
            (wrong, 9, right, 0),
        )
    )
    assert [(one["no_claim"], one["no_claim_initial"]) for one in (little, much, worse)] == [(3, 1), (30, 1), (9, 0)]
    assert [one["verdict"] for one in (little, much, alike, worse)] == ["better", "undecided", "better", "worse"]
    assert much["reason"] == "no_claim" and "of these claims" not in compared_with_initial(little)
    told = compared_with_initial(much)
    assert "The new model calls 30 of these claims no_claim, and old 1. Its labels are better than those of old" in told
    assert "The new model calls 9 of these claims no_claim, and old 0. The new model is worse" in compared_with_initial(
        worse
    )


def test_the_answers_are_compared_as_well_as_the_labels() -> None:
    sentences = _sentences()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)
    missing = [replace(s, label=Label.NO_CLAIM, claim_probability=0.1) for s in right[:20]] + right[20:]
    better, worse, mixed = (
        against_initial("test", new, initial, "old", sentences)
        for new, initial in ((right, missing), (missing, right), (wrong, missing[:20] + missing[:20]))
    )
    assert [(one["verdict"], one["reason"]) for one in (better, worse)] == [("better", "answers"), ("worse", "answers")]
    assert (better["answers"]["accuracy"], better["answers"]["accuracy_initial"]) == (1.0, 0.5)
    told = compared_with_initial(better)
    assert "Of the answers to all 40 rows, no_claim included, 1.000 are right, and 0.500 of those of old: diff" in told
    assert (
        "The new model calls 0 of these claims no_claim, and old 20. Its labels of claims cannot be told apart" in told
    )
    assert told.endswith("from those of old, but the new model is better in its answers.")
    assert compared_with_initial(worse).endswith("but the new model is worse in its answers; keep that one.")
    assert (mixed["verdict"], mixed["reason"]) == ("undecided", "mixed")
    assert compared_with_initial(mixed).endswith(
        "are worse than those of old, and its answers better; decide by what you need."
    )


def test_each_fold_is_calibrated_by_the_others() -> None:
    logits = np.random.default_rng(0).normal(size=(400, 4)) * 6
    gold = (logits / 6 + np.random.default_rng(1).gumbel(size=logits.shape)).argmax(axis=1)
    folds = np.arange(400) % 2
    calibrated = cross_calibrated(logits, gold, folds)
    gold[folds == 0] = -1
    np.testing.assert_array_equal(cross_calibrated(logits, gold, folds)[folds == 0], calibrated[folds == 0])
    assert np.abs(calibrated).mean() < np.abs(logits).mean() / 2


def test_the_verdict_swaps_whole_documents() -> None:
    sentences = _sentences()
    right = [s.label for s in sentences if s.label]
    wrong = [Label.DENIED if s.columns["document"] in TOWNS[:3] else s.label for s in sentences]
    assert all(wrong)
    by_row, by_document = (
        against_initial("dev", _scores(right), _scores([one for one in wrong if one]), "old", sentences, group_by)
        for group_by in (None, "document")
    )
    assert (by_row["verdict"], by_document["verdict"]) == ("better", "undecided")
    assert by_row["difference"] == by_document["difference"] and by_document["p_value"] > 0.2


def test_messages_of_a_cross_validation_speak_of_train() -> None:
    told = missed_claims(np.array([False] * 9 + [True]), [True] * 10, "train")
    assert told and "of the sentences of train no_claim" in told and told.endswith("of both kinds to train.")


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    held = [{**row, "quad": 5} for row in _rows()]
    with pytest.raises(CertaintyError, match="train has no sentence to train on: each is of a group whose `quad`"):
        read_data(held, None, label_names={"rumeur": "probable"})


def test_a_name_of_a_label_that_no_row_has_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = {"rumeur": "probable", "Rumeurs": "probable"}
    read_data(_rows(), _rows()[:3], label_names={"rumeur": "probable"})
    assert "for which a name was given" not in caplog.text
    read_data(_rows(), None, label_names=names)
    assert "No row has the label Rumeurs, for which a name was given; check the spelling." in caplog.text


def test_few_steps_are_counted_with_the_pseudo_labelled_sentences(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certainty.finetuning.automatic.pseudo_label_metadata", lambda path: {"sentences": 9000})
    warn_if_unlikely(FinetuningSettings(epochs=1, pseudo_labels="pseudo.safetensors"), 200)
    assert "steps" not in caplog.text


def test_a_model_from_an_encoder_is_compared_with_the_shipped_one(
    tiny_encoder: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = find_start(FinetuningSettings(encoder=str(tiny_encoder)))
    monkeypatch.setattr("certainty.finetuning.start.default_model", lambda: tiny_model)
    rival = start.rival()
    assert rival and (rival.folder, rival.name) == (tiny_model, "certainty-fr-small")
    initial = find_start(FinetuningSettings(initial=str(tiny_model)))
    assert initial.rival() is initial
    monkeypatch.setattr("certainty.finetuning.start.default_model", lambda: tmp_path / "none")
    assert start.rival() is None
    settings = FinetuningSettings(encoder=str(tiny_encoder), epochs=1, bf16=False)
    with caplog.at_level(logging.INFO):
        finetune(_sentences(), None, tmp_path / "mine", settings)
    assert "There is no shipped model to compare with" in caplog.text


def test_names_of_labels_are_translated_in_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "held_out.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in _rows()[:8]), encoding="utf-8")
    given = ["evaluate", "--data", str(data), "--format", "json", "--quiet"]
    assert main([*given, "--map", "rumeur=Probable", "--map", "avis=personal_opinion"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluations"][0]["data"]["labels"]["probable"] == 2
    assert main(given) == 2
    told = capsys.readouterr().err
    assert "line 2: label: unknown label 'rumeur'" in told and "held_out.jsonl: 1 unknown label: 'rumeur' (2)." in told
    assert "--map 'rumeur=LABEL'" in told
    assert main([*given, "--map", "rumeur=probable", "rumeur=denied"]) == 2
    assert "'rumeur' stands for probable and denied; choose one" in capsys.readouterr().err
    assert main([*given, "--map", "rumeurs=Probable"]) == 2
    assert "Of your own names, 'rumeurs' is the nearest." in capsys.readouterr().err
    for wrong, told in (("rumeur", "write NAME=LABEL"), ("a=maybe", "unknown label 'maybe'")):
        with pytest.raises(SystemExit):
            main([*given, "--map", wrong])
        assert told in capsys.readouterr().err


def test_sentences_that_the_initial_model_knows_are_told(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows, settings = _sentences(), FinetuningSettings(initial=str(tiny_model), epochs=1, bf16=False)
    dev = [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]]
    finetune(rows[:30], dev, tmp_path / "first", settings)
    assert "was trained on" not in caplog.text
    again = settings.replace(initial=str(tmp_path / "first"))
    finetune([replace(s, text=f"{s.text} Oui.") for s in rows], rows[20:], tmp_path / "second", again, test=dev)
    assert "first was trained on 10 of the 20 sentences of dev: figures on them" in caplog.text
    assert (tmp_path / "first" / KNOWN_FILE).stat().st_mode == (tmp_path / "first" / "config.json").stat().st_mode
    assert len(known([*rows, *dev], tmp_path / "second")) == 30, (
        "those of the first are handed on, dev was not trained on"
    )
    (tmp_path / "first" / KNOWN_FILE).write_bytes(b"x")
    with pytest.raises(CertaintyError, match=f"{KNOWN_FILE}: damaged"):
        finetune(rows[:30], dev, tmp_path / "third", again)


def test_the_verdict_and_the_card_say_which_rows_were_trained_on(tiny_model: Path, tmp_path: Path) -> None:
    rows, settings = _sentences(), FinetuningSettings(initial=str(tiny_model), epochs=1, bf16=False)
    old = [s for s in read_labelled(DATA / "tiny.jsonl") if s.label and (s.group or 1) % 5][:12]
    near = [replace(s, text=s.text.upper()) for s in rows[:4]]
    new = read_labelled(DATA / "tiny_dev.jsonl")
    made = finetune(rows, new, tmp_path / "mine", settings, test=[*old, *near, *(s for s in new if s.label)])
    training = ModelSettings.load(tmp_path / "mine").training or {}
    result = training["against_initial"]
    assert [result[name] for name in ("in_train", "known_to_initial", "trained_on")] == [4, 12, 16]
    assert (result["verdict"], result["reason"]) == ("undecided", "trained_on")
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert compared_with_initial(result) in card
    assert "claims of test (16 of these rows, or nearly the same ones, were trained on; optimistic: " in card
    assert f"its calibration chosen on {result['in_dev']} of these rows, which are in dev), macro-F1" in card
    assert made["test"].data["trained_on"] == {"mine": 16} and made["dev"].data["trained_on"] == {"mine": 0}
    in_dev = made["test"].data["chosen_on"]["mine"]
    assert in_dev and card.count(f"with this many. {in_dev} of these rows are in dev, on which the model was") == 1
    assert card.count("16 of these rows were trained on, so the figures are too good.\n\n| metric") == 1


def test_folds_need_a_single_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CertaintyError, match="folds cannot be used with several processes"):
        finetune(_rows(), None, tmp_path / "x", FinetuningSettings(folds=2))


def test_a_cross_validation_that_was_interrupted_is_resumed(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    train, config = tmp_path / "mine.jsonl", tmp_path / "config.yaml"
    train.write_text("".join(json.dumps(row) + "\n" for row in _rows()), encoding="utf-8")
    config.write_text("epochs: 1\nreplay: 0\nbf16: false\n", encoding="utf-8")
    arguments = ["train", "--train", train, "--folds", 2, "--map", "rumeur=probable", "--initial", tmp_path / "old"]
    given = [str(argument) for argument in [*arguments, "--config", config, "--output", tmp_path / "mine"]]
    weights = shutil.copytree(tiny_model, tmp_path / "old") / "model.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr("certainty.finetuning.run.out_of_fold_logits", interrupted)
        assert main(given) == 130
    assert "--resume continues from step 3" in capsys.readouterr().err
    assert main([*given, "--folds", "3", "--resume"]) == 2
    assert "folds was 2, now 3" in capsys.readouterr().err
    saved = weights.read_bytes()
    weights.write_bytes(saved[:-1] + bytes([saved[-1] ^ 1]))
    assert main([*given, "--resume"]) == 2
    assert "start has changed" in capsys.readouterr().err
    weights.write_bytes(saved)
    assert main([*given, "--resume"]) == 0
    assert "Fold 2 of 2." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine", "mine.jsonl", "old"]
