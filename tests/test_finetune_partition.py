"""How the rows of a training are split, and what is told of them before the first step."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from few_rows import TOWNS, rows_of_documents, sentences_of_documents

from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.evaluation.leakage import near_duplicates
from certainty.finetuning import FinetuningSettings
from certainty.finetuning.data import read_data
from certainty.finetuning.partition import folds_of, together
from certainty.finetuning.verdict import missed_claims
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS


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
    with pytest.raises(CertaintyError, match=r"group_by='doc', but train has no such column. Allowed: .*document"):
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
    rows = read_labelled(rows_of_documents(), {"rumeur": "probable"})
    folds_of(rows, 5, "document", seed=1)
    assert "uneven" not in caplog.text
    glued = [row | {"document": town} for town in TOWNS[:6] for row in (formula,)]
    named = [{**row, "annotator": str(n)} for n, row in enumerate(glued)]
    folds_of([*rows, *read_labelled(named)], 3, "document", seed=1)
    assert "The 3 parts of train are uneven: the largest has 30 of 46 rows. The largest set" in caplog.text


def test_a_set_that_is_too_large_for_dev_stays_in_train() -> None:
    rows = [row | {"document": TOWNS[0] if n < 24 else row["document"]} for n, row in enumerate(rows_of_documents())]
    for seed in range(4):
        settings = FinetuningSettings(group_by="document", seed=seed)
        data = read_data(rows, None, settings=settings, label_names={"rumeur": "probable"})
        assert len(data.train) >= 30 and len({s.label for s in data.dev}) > 1


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
    sentences = sentences_of_documents()
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
        return [s for s in sentences_of_documents() if s.label is not Label.DENIED or s.columns["document"] in kept]

    told = r"3 rows labelled denied, in 3 sets .* without dev, train is split into 5 parts, which takes at least 5\."
    with pytest.raises(CertaintyError, match=rf"{told} Give dev, folds=3 at most, or more rows of this label"):
        read_data(with_denied(3), None)
    assert read_data(with_denied(3), None, settings=FinetuningSettings(folds=3)).folds
    with pytest.raises(
        CertaintyError, match=r"1 row labelled denied, in 1 set .* Give dev, or more rows of this label"
    ):
        read_data(with_denied(1), None)
    train = tmp_path / "train.jsonl"
    few = [row for row in rows_of_documents() if row["label"] != "denied" or row["document"] in TOWNS[:2]]
    train.write_text("".join(json.dumps(row) + "\n" for row in few), encoding="utf-8")
    assert main(["train", "--train", str(train), "--map", "rumeur=probable", "--output", str(tmp_path / "mine")]) == 2
    assert "Give --dev, --folds 2 at most, or more rows" in capsys.readouterr().err


def test_without_dev_a_fifth_of_train_is_set_apart(caplog: pytest.LogCaptureFixture) -> None:
    by_document = FinetuningSettings(group_by="document")
    with caplog.at_level(logging.INFO):
        data = read_data(rows_of_documents(), None, settings=by_document, label_names={"Rumeur": "probable"})
    assert (len(data.train), len(data.dev), data.folds) == (32, 8, None)
    assert "8 of 40 sentences of train are set apart as dev" in caplog.text
    documents = [{s.columns["document"] for s in split} for split in (data.train, data.dev)]
    assert documents[0].isdisjoint(documents[1])
    with pytest.raises(CertaintyError, match="folds says how to split train, but dev is given as well"):
        read_data(rows_of_documents(), rows_of_documents(), settings=by_document.replace(folds=2))
    with pytest.raises(CertaintyError, match="row 1: label: unknown label 'rumeur'"):
        read_data(rows_of_documents(), None)
    with pytest.raises(CertaintyError, match="pseudo_labels may have the sentences that are set apart as dev"):
        read_data(rows_of_documents(), None, settings=FinetuningSettings(pseudo_labels="pseudo.safetensors"))


def test_documents_of_a_given_dev_are_units_and_not_split(caplog: pytest.LogCaptureFixture) -> None:
    rows, names = rows_of_documents(), {"rumeur": "probable"}
    by_document = FinetuningSettings(group_by="document")
    data = read_data(rows[:24], rows[24:32], rows[32:], settings=by_document, label_names=names)
    assert (len(data.train), len(data.dev), data.group_by, data.folds) == (24, 8, "document", None)
    assert "document" not in caplog.text
    bare = [{name: value for name, value in row.items() if name != "document"} for row in rows]
    read_data(rows[:26], rows[26:32], bare[32:], settings=by_document, label_names=names)
    assert "2 of the 6 sentences of dev have a value of 'document' that train has too" in caplog.text
    assert "No row of test has a value of 'document', so they are taken for independent." in caplog.text
    with pytest.raises(CertaintyError, match=r"group_by='document', but no row of dev has .* Allowed: corpus, "):
        read_data(rows[:24], bare[24:], settings=by_document, label_names=names)


def test_test_rows_that_are_in_dev_too_are_told(caplog: pytest.LogCaptureFixture) -> None:
    dev = [{**row, "text": f"Dit-on, {row['text']}"} for row in rows_of_documents()[:20]]
    read_data(rows_of_documents(), dev, test=dev[:5], label_names={"rumeur": "probable"})
    assert "5 sentences of test are also in dev, on which the model is chosen and calibrated" in caplog.text
    with pytest.raises(CertaintyError, match="'Rumeur' stands for probable and denied; choose one"):
        read_data(rows_of_documents(), None, label_names={"rumeur": "probable", "Rumeur": "denied"})


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    held = [{**row, "quad": 5} for row in rows_of_documents()]
    with pytest.raises(CertaintyError, match="train has no sentence to train on: each is of a group whose `quad`"):
        read_data(held, None, label_names={"rumeur": "probable"})


def test_a_sentence_with_two_labels_is_named(caplog: pytest.LogCaptureFixture) -> None:
    twice = {**rows_of_documents()[0], "label": "denied"}
    read_data([*rows_of_documents(), twice], None, label_names={"rumeur": "probable"})
    told = f"rows with different labels: 1, such as {twice['text']!r} (asserted and denied)."
    assert told in caplog.text


def test_messages_of_a_cross_validation_speak_of_train() -> None:
    told = missed_claims(np.array([False] * 9 + [True]), [True] * 10, "train")
    assert told and "of the sentences of train no_claim" in told and told.endswith("of both kinds to train.")


def test_a_mistake_in_the_data_is_told_before_the_libraries_for_training_are_loaded(tmp_path: Path) -> None:
    train = tmp_path / "mine.csv"
    train.write_text("text,label\nIl pleut.,vrai\n", encoding="utf-8")
    code = (
        "import sys\nfrom certainty.cli import main\n"
        f"assert main(['train', '--train', {str(train)!r}, '--output', {str(tmp_path / 'mine')!r}]) == 2\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mine.csv, line 2: label: unknown label 'vrai'" in done.stderr and "Loading" not in done.stderr
