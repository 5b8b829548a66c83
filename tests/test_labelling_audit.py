"""Likely label errors, and corrections."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import certainty
from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.audit import cross_validated, seen_in_training, suspects
from certainty.labelling.corrections import apply_corrections

TINY = Path(__file__).parent / "data" / "tiny.jsonl"


def sentences(labels: list[Label | None]) -> list[LabelledSentence]:
    return [
        LabelledSentence(f"Phrase {n}.", label, claim=label is not None, id=str(n)) for n, label in enumerate(labels)
    ]


def test_the_flipped_label_is_the_suspect() -> None:
    labels: list[Label | None] = [Label.ASSERTED] * 10 + [Label.DENIED] * 10
    probabilities = np.zeros((20, 4))
    probabilities[:10, 0], probabilities[10:, 3] = 0.9, 0.9
    probabilities += 0.1 * (probabilities == 0) / 3
    labels[4] = Label.DENIED
    (found,) = suspects(sentences(labels), probabilities)
    assert (found.sentence.id, found.suggested) == ("4", "asserted")
    assert found.probability == pytest.approx(0.9)
    assert found.label_probability == pytest.approx(0.1 / 3)
    assert found.to_row()["decision"] == ""


def test_cross_validation_finds_a_flipped_label_and_audits_no_claim() -> None:
    rows = [LabelledSentence(f"Le train {n} part à l’heure.", Label.ASSERTED, id=f"a{n}") for n in range(12)]
    rows += [LabelledSentence(f"Le car {n} n’est pas parti.", Label.DENIED, id=f"d{n}") for n in range(12)]
    rows += [LabelledSentence(f"Qui conduit le bus {n} ?", None, claim=False, id=f"n{n}") for n in range(12)]
    rows[3] = replace(rows[3], label=None, claim=False)
    probabilities = cross_validated(rows, folds=4)
    assert probabilities.shape == (36, 5)
    assert np.allclose(probabilities.sum(1), 1)
    assert np.array_equal(probabilities, cross_validated(rows, folds=4))
    assert [s.sentence.id for s in suspects(rows, probabilities)] == ["a3"]


def test_repeated_texts_stay_in_one_fold() -> None:
    """Each text twice, with nothing else in common: whoever saw its twin would know the label."""
    words = ["zébu", "wagon", "kiwi", "jonque", "quiche", "fjord", "yacht", "bambou"]
    rows = [LabelledSentence(w, (Label.ASSERTED, Label.DENIED)[n % 2]) for n, w in enumerate(words) for _ in range(2)]
    probabilities = cross_validated(rows, folds=2)
    assert (probabilities.max(1) < 0.9).all()


def test_audit_mistakes() -> None:
    with pytest.raises(CertaintyError, match="rows of two labels at least"):
        suspects(sentences([Label.DENIED] * 3), np.full((3, 4), 0.25))
    with pytest.raises(CertaintyError, match="probable has 1 rows, too few for 5 folds"):
        cross_validated(sentences([Label.DENIED] * 6 + [Label.PROBABLE]), folds=5)
    with pytest.raises(CertaintyError, match="folds is 1; it must be at least 2"):
        cross_validated(sentences([Label.DENIED, Label.PROBABLE]), folds=1)


def test_model_that_was_trained_on_the_rows_is_told(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = certainty.load(tiny_model)
    rows = read_labelled(TINY)
    assert seen_in_training(rows, classifier) == "train"
    assert seen_in_training(rows[1:], classifier) is None
    assert main(["label", "audit", str(TINY), "--model", str(tiny_model)]) == 0
    captured = capsys.readouterr()
    assert "warning: the model was made with these rows (train)" in captured.err
    assert captured.out.startswith('"id","label","suggested"')


def test_a_missing_column_names_the_option_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "rows.jsonl", {"phrase": "Il pleut.", "label": "asserted"})
    assert main(["label", "audit", str(path), "--folds", "2"]) == 2
    assert (
        "no column 'text'. Found: label, phrase. Give --text-column, or rename the column that has it."
        in capsys.readouterr().err
    )


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def correction(name: str, old: str, new: str, **more: object) -> dict[str, object]:
    return {"id": name, "old": old, "new": new, "reason": "hedge beats negation", **more}


def test_corrections_are_applied(tmp_path: Path) -> None:
    rows = sentences([Label.DENIED, Label.PROBABLE, None])
    rows = [replace(rows[0], cues=((0, 3),), second=Label.PROBABLE), replace(rows[1], cues=((0, 3),)), rows[2]]
    path = write(
        tmp_path / "c.jsonl",
        correction("0", "denied", "probable"),
        correction("1", "probable", "no_claim"),
        correction("2", "no_claim", "asserted"),
    )
    first, second, third = apply_corrections(rows, path)
    assert (first.label, first.second, first.cues) == (Label.PROBABLE, None, None)
    assert (second.label, second.claim, second.cues) == (None, False, ())
    assert (third.label, third.claim) == (Label.ASSERTED, True)
    assert rows[0].label is Label.DENIED


def test_corrections_of_one_annotator_and_of_rows_without_id(tmp_path: Path) -> None:
    row = LabelledSentence("Il pleut.", Label.DENIED)
    rows = [replace(row, annotator="x"), replace(row, annotator="y", label=Label.PROBABLE)]
    identifier = "s-" + hashlib.sha256(b"Il pleut.").hexdigest()[:16]
    path = write(tmp_path / "c.jsonl", correction(identifier, "denied", "asserted", annotator="x"))
    assert [s.label for s in apply_corrections(rows, path)] == [Label.ASSERTED, Label.PROBABLE]
    path = write(tmp_path / "c.jsonl", correction(identifier, "denied", "asserted"))
    with pytest.raises(CertaintyError, match="name the annotator whose row is meant"):
        apply_corrections(rows, path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([correction("9", "denied", "probable")], r"c\.jsonl, line 1: no row has the id '9'"),
        ([correction("0", "denied", "probable", annotator="x")], r"no row has the id '0' of annotator 'x'"),
        ([correction("0", "asserted", "probable")], r"line 1: old is asserted, but the label of '0' is denied"),
        ([correction("0", "denied", "maybe")], r"line 1: new: unknown label 'maybe'.*no_claim"),
        ([correction("0", "denied", "probable")] * 2, r"line 2: id '0' is already corrected in .*line 1"),
        ([{"id": "0", "old": "denied", "new": "probable"}], r"line 1: no 'reason'"),
        ([{**correction("0", "denied", "probable"), "reason": " "}], r"line 1: reason is empty"),
    ],
)
def test_correction_mistakes_name_the_line(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    path = write(tmp_path / "c.jsonl", *rows)
    with pytest.raises(CertaintyError, match=message):
        apply_corrections(sentences([Label.DENIED]), path)


def test_the_audit_of_a_french_spreadsheet_is_read_back(tmp_path: Path) -> None:
    rows = [{"id": f"-{n}", "text": f"Le train {n} part à l’heure.", "label": "asserted"} for n in range(10)]
    rows += [{"id": f"d{n}", "text": f"Le car {n} n’est pas parti, « dit-on ».", "label": "denied"} for n in range(10)]
    rows[2]["label"] = "denied"
    source, report = write(tmp_path / "rows.jsonl", *rows), tmp_path / "suspects.csv"  # type: ignore[arg-type]
    assert main(["label", "audit", str(source), "--folds", "5", "--excel", "-o", str(report)]) == 0
    header, line = report.read_text(encoding="utf-8-sig").splitlines()
    assert header == "id;label;suggested;probability;label_probability;text;decision", "no annotator is known"
    assert line.startswith("'-2;denied;asserted;0,") and line.endswith(";")
    report.write_text(f"{header}\n{line}asserted\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    assert main(["label", "correct", str(source), "--corrections", str(report), "-o", str(output)]) == 0
    assert next(s.label for s in read_labelled(output) if s.id == "-2") is Label.ASSERTED


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_decisions_of_an_audit_correct_the_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    rows = [{"id": f"a{n}", "text": f"Le train {n} part à l’heure.", "label": "asserted"} for n in range(10)]
    rows += [{"id": f"d{n}", "text": f"Le car {n} n’est pas parti, « dit-on ».", "label": "denied"} for n in range(10)]
    rows[2]["label"] = rows[5]["label"] = "denied"
    source = write(tmp_path / "rows.jsonl", *rows)  # type: ignore[arg-type]
    report, output = tmp_path / f"suspects.{suffix}", tmp_path / "corrected.jsonl"
    assert main(["label", "audit", str(source), "--folds", "5", "-o", str(report)]) == 0
    text = report.read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(text.splitlines())) if suffix == "csv" else [json.loads(s) for s in text.splitlines()]
    assert [row["id"] for row in found if row["label_probability"]] and {row["id"] for row in found} == {"a2", "a5"}
    for row in found:
        row["decision"] = row["suggested"] if row["id"] == "a2" else "keep"
    if suffix == "csv":
        with report.open("w", encoding="cp1252", newline="") as out:  # as a French spreadsheet saves it
            writer = csv.DictWriter(out, list(found[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(found)
    else:
        write(report, *found)
    assert main(["label", "correct", str(source), "--corrections", str(report), "-o", str(output)]) == 0
    assert "1 of 20 rows corrected" in capsys.readouterr().err
    labels = {s.id: s.label for s in read_labelled(output)}
    assert (labels["a2"], labels["a5"]) == (Label.ASSERTED, Label.DENIED)


def test_failed_correction_writes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", {"id": "0", "text": "Il pleut.", "label": "asserted"})
    path = write(tmp_path / "c.jsonl", correction("0", "denied", "probable"))
    output = tmp_path / "out.jsonl"
    assert main(["label", "correct", str(source), "--corrections", str(path), "-o", str(output)]) == 2
    assert not output.exists()
    assert main(["label", "correct", str(source), "--corrections", str(path), "-o", str(tmp_path / "out.csv")]) == 2
