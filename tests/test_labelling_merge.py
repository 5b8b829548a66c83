"""One label for each sentence that several annotators labelled."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.agreement import agreement
from certainty.labelling.annotators import Answers
from certainty.labelling.merging import merge
from certainty.labelling.rows import to_row, write_rows
from certainty.labels import LABELS

A, P, O, D = LABELS  # noqa: E741


def row(text: str, label: Label | None, annotator: str, id: str = "", **more: object) -> LabelledSentence:
    return LabelledSentence(text, label, claim=label is not None, annotator=annotator, id=id, **more)  # type: ignore[arg-type]


def test_more_than_half_decide_and_a_tie_is_left_open() -> None:
    rows = [
        row("Il pleut.", A, "ana", "1"),
        row("Il pleut.", A, "bo", "1"),
        row("Il pleut.", D, "cy", "1"),
        row("Il ment.", D, "ana", "2"),
        row("Il ment.", O, "bo", "2"),
        row("Qui ?", None, "ana", "3"),
    ]
    result = merge([("f", rows)])
    assert [(s.id, s.label, s.annotator) for s in result.sentences] == [("1", A, "ana, bo"), ("3", None, "ana")]
    assert (result.open, result.columns) == (1, ["id", "text", "ana", "bo", "cy", "majority", "decision"])
    first, second = result.disagreements
    assert (first["ana"], first["cy"], first["majority"]) == ("asserted", "denied", "asserted")
    assert (second["ana"], second["bo"], second["cy"], second["majority"]) == ("denied", "personal_opinion", "", "")


def test_what_goes_with_a_label_is_that_of_those_who_gave_it() -> None:
    rows = [
        row("Il aurait fui.", P, "ana", "1", cues=((3, 9),), attributed=True),
        row("Il aurait fui.", P, "bo", "1", cues=((3, 9),), attributed=True, second=A),
        row("Il aurait fui.", P, "cy", "1", cues=((0, 9),), attributed=False, second=A),
        row("Il aurait fui.", A, "dee", "1", cues=(), attributed=False),
    ]
    (merged,) = merge([("f", rows)]).sentences
    assert (merged.cues, merged.attributed, merged.second) == (((3, 9),), True, A)


@pytest.mark.parametrize(
    ("seconds", "merged"),
    [
        ([(None, False), (None, False), (A, True)], (A, True)),  # only one says anything
        ([(None, False), (None, False)], (None, False)),
        ([(None, True), (None, True), (A, True)], (None, True)),
        ([(None, True), (A, True)], (None, False)),  # a tie: not known
    ],
)
def test_what_nobody_said_is_no_answer(
    seconds: list[tuple[Label | None, bool]], merged: tuple[Label | None, bool]
) -> None:
    rows = [
        row("Il aurait fui.", P, f"{i}", "1", second=second, second_known=known, sources=((0, 2),) if i else None)
        for i, (second, known) in enumerate(seconds)
    ]
    (found,) = merge([("f", rows)]).sentences
    assert (found.second, found.second_known) == merged
    assert ("second" in to_row(found)) == merged[1]
    assert found.sources == ((0, 2),)


def test_sentences_are_the_same_by_text_where_tools_gave_ids_of_their_own() -> None:
    ana = [row("Il pleut.", A, "ana", "7"), row("Il ment.", D, "ana", "8"), row("Oui.", A, "ana", "9")]
    bo = [row("Il ment.", P, "bo", "81"), row("Il pleut.", A, "bo", "82"), row("Oui.", A, "bo", "9")]
    result = agreement([("a", ana), ("b", bo)], resamples=5)
    assert result.label.sentences == 3 and result.label.pairs[0].agreement.value == pytest.approx(2 / 3)
    assert [item["text"] for item in result.disagreements] == ["Il ment."]
    repeated = [row("Oui.", A, "ana", "1"), row("Oui.", D, "ana", "2"), row("Oui.", D, "bo", "2")]
    assert [s.label for s in merge([("f", repeated)]).sentences] == [A, D], "a text may come twice under two ids"


def test_decisions_of_a_third_person_are_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, labels in (("ana", "asserted,denied,probable"), ("bo", "asserted,Personal opinion,denied")):
        lines = "".join(f"{n},Phrase {n}.,{label}\n" for n, label in enumerate(labels.split(",")))
        (tmp_path / f"{name}.csv").write_text("id,text,label\n" + lines)
    files = [str(tmp_path / "ana.csv"), str(tmp_path / "bo.csv")]
    disagreements, output = tmp_path / "open.csv", tmp_path / "merged.jsonl"
    assert main(["label", "merge", *files, "--disagreements", str(disagreements), "-o", str(output)]) == 0
    assert "1 rows of 2 annotators; with different labels: 2; left open: 2" in capsys.readouterr().err
    content = disagreements.read_text(encoding="utf-8-sig")
    assert disagreements.read_bytes().startswith(b"\xef\xbb\xbf")
    found = list(csv.DictReader(content.splitlines()))
    found[0]["decision"], found[1]["decision"] = "Personal opinion", "no_claim"
    with disagreements.open("w", encoding="cp1252", newline="") as out:  # as a French spreadsheet saves it
        writer = csv.DictWriter(out, list(found[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(found)
    assert main(["label", "merge", *files, "--decisions", str(disagreements), "-o", str(output)]) == 0
    assert [(s.label, s.annotator) for s in read_labelled(output)] == [(A, "ana, bo"), (O, "bo"), (None, "decision")]


def test_a_list_for_a_french_spreadsheet_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, label in (("ana", "asserted"), ("bo", "denied")):
        (tmp_path / f"{name}.csv").write_text(f"id,text,label\n-1,- Oui.,{label}\n")
    words = ["label", "merge", str(tmp_path / "ana.csv"), str(tmp_path / "bo.csv"), "-o", str(tmp_path / "rows.jsonl")]
    assert main([*words, "--excel"]) == 2
    assert "--excel is about the list of --disagreements" in capsys.readouterr().err
    assert main([*words, "--disagreements", str(tmp_path / "open.jsonl"), "--excel"]) == 2
    assert "--excel writes CSV, not JSON Lines" in capsys.readouterr().err
    path = tmp_path / "open.csv"
    assert main([*words, "--disagreements", str(path), "--excel"]) == 0
    content = path.read_text(encoding="utf-8")
    assert content.splitlines() == ["\ufeffid;text;ana;bo;majority;decision", "'-1;'- Oui.;asserted;denied;;"]
    path.write_text(content[:-1] + "denied\n", encoding="utf-8")
    assert main([*words, "--decisions", str(path)]) == 0
    assert [(s.id, s.label) for s in read_labelled(tmp_path / "rows.jsonl")] == [("-1", Label.DENIED)]


def test_mistakes() -> None:
    with pytest.raises(CertaintyError, match="decision on '9': no sentence has this id"):
        merge([("f", [row("Il pleut.", A, "ana", "1")])], {"9": "denied"})
    with pytest.raises(CertaintyError, match="annotator 'ana' labelled '1' twice"):
        merge([("f", [row("Il pleut.", A, "ana", "1"), row("Il pleut.", D, "ana", "1")])])


def _unequal() -> list[LabelledSentence]:
    """Ana and Cy always agree, and Bo often differs; on the last sentence only Ana and Bo were asked."""
    rows = []
    for n, label in enumerate([*LABELS, *LABELS]):
        for annotator, own in (("ana", label), ("bo", D if n % 2 else label), ("cy", label)):
            rows.append(row(f"Phrase {n}.", own, annotator, str(n)))
    return [*rows, row("Il aurait fui.", P, "ana", "last"), row("Il aurait fui.", D, "bo", "last")]


def test_reliable_annotators_settle_what_has_no_majority() -> None:
    pytest.importorskip("cleanlab")
    from certainty.labelling.reliability import most_reliable

    def weigh(table: Mapping[str, Answers]) -> dict[str, str]:
        return most_reliable(table, np.full((len(table), 5), 0.2))

    rows = [("f", _unequal())]
    assert [s.label for s in merge(rows).sentences] == [*LABELS, *LABELS]
    result = merge(rows, None, weigh)
    assert [s.label for s in result.sentences] == [*LABELS, *LABELS, P]
    assert (result.sentences[-1].annotator, result.open, result.weighted) == ("ana", 0, 1)
    assert merge(rows, {"last": "denied"}, weigh).sentences[-1].label is D
    with pytest.raises(CertaintyError, match="no sentence has two annotators that agree"):
        merge([("f", _unequal()[-2:])], None, weigh)


def test_the_command_weighs_with_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cleanlab")
    data, merged = tmp_path / "rows.jsonl", tmp_path / "merged.jsonl"
    with data.open("w", encoding="utf-8") as file:
        write_rows(_unequal(), file)
    assert main(["label", "merge", str(data), "--weighted", "-o", str(merged)]) == 0
    assert "settled by reliability: 1; left open: 0." in capsys.readouterr().err
    assert read_labelled(merged)[-1].label in (P, D)
    assert main(["label", "merge", str(data), "--model", "x", "-o", str(merged)]) == 2
    assert "--model is about --weighted" in capsys.readouterr().err


def test_other_columns_are_kept_where_annotators_agree(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for annotator, remark in (("ana", "sûr"), ("bo", "à voir")):
        row = {"id": "1", "text": "Il pleut.", "label": "asserted", "annotator": annotator, "document": "a.txt"}
        content = json.dumps({**row, "remark": remark, "doubtful": annotator == "bo"}, ensure_ascii=False)
        (tmp_path / f"{annotator}.jsonl").write_text(content + "\n", encoding="utf-8")
    merged = tmp_path / "merged.jsonl"
    assert main(["label", "merge", str(tmp_path / "ana.jsonl"), str(tmp_path / "bo.jsonl"), "-o", str(merged)]) == 0
    (sentence,) = read_labelled(merged)
    assert sentence.columns == {"document": "a.txt"}
    assert sentence.doubtful
    (warning,) = (record.getMessage() for record in caplog.records)
    assert warning == "Column 'remark' is left out of 1 sentence in which annotators differ."


def test_columns_that_only_some_annotators_have_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    rows = [row("Il pleut.", A, "ana", "1", columns={"genre": "presse"}), row("Il pleut.", A, "bo", "1")]
    (merged,) = merge([("f", rows)]).sentences
    assert to_row(merged)["genre"] == "presse"
    assert "doubtful" not in to_row(merged)
    assert not caplog.records


def test_correcting_keeps_other_columns(tmp_path: Path) -> None:
    data, corrections, output = (tmp_path / f"{name}.jsonl" for name in ("rows", "corrections", "corrected"))
    given = {"id": "1", "text": "Il pleut.", "label": "denied", "document": "a.txt", "doubtful": True}
    data.write_text(json.dumps(given) + "\n", encoding="utf-8")
    correction = {"id": "1", "old": "denied", "new": "asserted", "reason": "sans négation"}
    corrections.write_text(json.dumps(correction) + "\n", encoding="utf-8")
    assert main(["label", "correct", str(data), "--corrections", str(corrections), "-o", str(output)]) == 0
    (corrected,) = read_labelled(output)
    assert (corrected.label, corrected.columns, corrected.doubtful) == (A, {"document": "a.txt"}, True)
