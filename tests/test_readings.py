"""Sentences chosen for readers, and the rows made of what they wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.data import readings, to_read

ROWS = [
    {"id": "a", "text": "L’eau manquera peut-être, mais, affirme-t-elle, elle reste chère.", "corpus": "own"},
    {"id": "b", "text": "Le pont est fermé.", "corpus": "own"},
    {"id": "c", "text": "Un titre", "corpus": "own"},
]
FIRST = ["a\tO\tP\tr\treste chère\telle", "b\tA\t-\ta\t-\t-", "c\tN\t-\ta\t-\t-"]


def joined(folder: Path, *files: list[str]) -> list[dict[str, Any]]:
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    names = []
    for number, lines in enumerate(files):
        path = folder / f"read_{number}.tsv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        names.append(str(path))
    output = folder / "joined.jsonl"
    assert readings.main(["join", "--rows", str(rows), "--readings", *names, "--output", str(output)]) == 0
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()]


def test_a_reading_becomes_a_row_with_offsets(tmp_path: Path) -> None:
    first, second, third = joined(tmp_path, FIRST)
    assert (first["label"], first["second"], first["attributed"]) == ("personal_opinion", "probable", True)
    assert [first["text"][a:b] for a, b in first["cues"]] == ["reste chère"]
    assert first["sources"] == [[42, 46]]  # in "affirme-t-elle", not the "elle" that comes later
    assert "second" not in second and second["cues"] == [] and "sources" not in second
    assert (third["label"], third["claim"], third["second"]) == (None, False, None)


def test_most_readers_decide_and_the_last_where_they_do_not_agree(tmp_path: Path) -> None:
    doubt = ["b\tP\t-\ta\test\t-"]
    assert joined(tmp_path, FIRST, doubt)[1]["label"] == "probable"
    row = joined(tmp_path, FIRST, doubt, ["b\tA\t-\ta\t-\t-"])[1]
    assert (row["label"], row["cues"], row["annotators"]) == ("asserted", [], 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b\tA\t-\ta\t-", "5 fields; write 6"),
        ("b\tX\t-\ta\t-\t-", "label 'X'"),
        ("b\tA\tN\ta\t-\t-", "second 'N'"),
        ("b\tA\t-\tx\t-\t-", "'x' is neither r nor a"),
        ("b\tD\t-\ta\tn'est pas\t-", '"n\'est pas" is not in the sentence'),
        ("z\tA\t-\ta\t-\t-", "'z' is not an id of the rows"),
        ("b\tA\t-\ta\t-\t-\nb\tD\t-\ta\t-\t-", "'b' has a reading already"),
    ],
)
def test_what_cannot_be_joined_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    with pytest.raises(AssertionError):
        joined(tmp_path, [line])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "joined.jsonl").exists()


def test_portions_hold_all_sentences_and_nothing_else(tmp_path: Path) -> None:
    joined(tmp_path, FIRST)
    arguments = ["split", "--rows", str(tmp_path / "rows.jsonl"), "--size", "2", "--output", str(tmp_path / "portions")]
    assert readings.main(arguments) == 0
    lines = [path.read_text("utf-8").splitlines() for path in sorted((tmp_path / "portions").iterdir())]
    assert lines == [[f"{row['id']}\t{row['text']}" for row in ROWS[start : start + 2]] for start in (0, 2)]


def test_unsure_sentences_are_chosen_once_each_and_known_ones_never(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    unsure = "Ce serait une belle victoire, peut-être."
    known = "Le maire a ouvert la séance hier soir."
    plain = [f"Le train numéro {n} est parti de Lyon mardi matin." for n in range(20)]
    text.write_text("\n".join(["\u200b", unsure, known, *plain]), encoding="utf-8")
    labelled = tmp_path / "known.jsonl"
    labelled.write_text(json.dumps({"text": known, "label": "asserted"}) + "\n", encoding="utf-8")
    output = tmp_path / "chosen.jsonl"
    counts = ["--sentences", "50", "--random", "3", "--uncertain", "4", "--not-asserted", "4"]
    arguments = ["--text", str(text), "--name", "Own", *counts, "--exclude", str(labelled), "--output", str(output)]
    assert to_read.main(arguments) == 0
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    texts = [row["text"] for row in rows]
    assert unsure in texts and known not in texts and len(set(texts)) == len(texts)
    reasons = [row["construction"] for row in rows]
    assert reasons.count("random") == 3 and reasons.count("uncertain") == 4
