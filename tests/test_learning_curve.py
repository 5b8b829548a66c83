"""The benchmark of learning from few rows: its samples, and that it continues where it stopped."""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DATA

from certainty import CertaintyError
from certainty.finetuning import FinetuningSettings
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS


def test_samples_grow_and_held_out_rows_stay() -> None:
    pytest.importorskip("torch")
    from benchmarks.drawing import draw

    rows = read_labelled([DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl"])
    (few, held), (more, same) = (draw(rows, size, 30, seed=1) for size in (24, 40))
    assert held == same and len(held) == 30 and few == more[:24]
    assert not {s.text for s in held} & {s.text for s in more}
    assert min(sum(s.label is label for s in few) for label in LABELS) >= 5


def test_a_sample_can_be_split_into_five_parts() -> None:
    pytest.importorskip("torch")
    from benchmarks.drawing import draw
    from certainty.finetuning.partition import folds_of

    rows = sorted((s for s in _labelled() if s.label), key=lambda s: str(s.label))
    rows = [replace(s, group=n // 3) for n, s in enumerate(rows)]
    for seed in range(3):
        train, _ = draw(rows, 24, 10, seed)
        assert set(folds_of(train, 5, None, seed).tolist()) == set(range(5))
    with pytest.raises(CertaintyError, match="rows labelled asserted in only 1 sets"):
        draw([replace(s, group=n % 2) for n, s in enumerate(rows)], 24, 10, seed=1)


def test_documents_are_not_split_between_training_and_held_out_rows() -> None:
    from benchmarks.drawing import draw

    rows = _in_documents(18)  # of six rows each
    for seed in range(3):
        (few, held), (more, same) = (draw(rows, size, 32, seed, "document") for size in (24, 40))
        assert held == same and (len(few), len(more), len(held)) == (24, 40, 32)
        assert not _documents(held) & _documents(more)
        assert len(_documents(held)) == 6, "five whole documents, and two rows of another"
        with pytest.raises(CertaintyError, match="72 rows beside the held-out ones"):
            draw(rows, 73, 32, seed, "document")


def test_a_document_is_cut_only_if_none_fits() -> None:
    from benchmarks.drawing import draw

    rows = [replace(s, group=None, columns={"document": str(n % 80)}) for n, s in enumerate(_labelled())]
    for seed in range(5):
        assert len(draw(rows, len(rows) - 21, 21, seed, "document")[0]) == len(rows) - 21, "no row is lost"


def test_training_keeps_documents_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from benchmarks import learning_curve

    class StoppedError(Exception):
        pass

    found = []

    def stopped(train: object, dev: object, output: object, settings: FinetuningSettings) -> None:
        found.append(settings.group_by)
        raise StoppedError

    monkeypatch.setattr(learning_curve, "finetune", stopped)
    for method, given in itertools.product(("continued", "encoder"), ([], ["--group-by", "author"])):
        arguments = ["--domains", "x", "--sizes", "24", "--held-out", "30", "--methods", method, *given]
        options = learning_curve.parser().parse_args(arguments)
        rows = [replace(s, columns={**s.columns, "author": s.columns["document"]}) for s in _in_documents(18)]
        with pytest.raises(StoppedError):
            next(learning_curve.measured(options, {"x": rows}, []))
    assert found == ["document", "author"] * 2


def test_the_curve_leaves_out_what_cannot_be_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from benchmarks import learning_curve

    def unable(*_: object) -> None:
        raise CertaintyError("no such encoder.")

    monkeypatch.setattr(learning_curve, "_METHODS", {**learning_curve._METHODS, "encoder": unable})
    data = [DATA / f"{name}.jsonl" for name in ("tiny", "tiny_dev")]
    arguments = ["--data", *data, "--by", "annotator", "--domains", "x", "--methods", "encoder", "tfidf", "--seeds", 1]
    options = learning_curve.parser().parse_args(list(map(str, [*arguments, "--sizes", 24, "--held-out", 30])))
    done = list(learning_curve.measured(options, {"x": _labelled()}, []))
    assert [one["method"] for one in done] == ["tfidf"]
    assert "x, 24 rows, seed 1, encoder: left out, no such encoder." in capsys.readouterr().err


def _in_documents(documents: int) -> list[LabelledSentence]:
    return [replace(s, group=None, columns={"document": str(n % documents)}) for n, s in enumerate(_labelled())]


def _documents(rows: Sequence[LabelledSentence]) -> set[str]:
    return {row.columns["document"] for row in rows}


def _labelled() -> list[LabelledSentence]:
    return read_labelled([DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl"])


def test_the_curve_continues_where_it_stopped(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.learning_curve import main

    data = tmp_path / "rows.jsonl"
    rows = [
        {**json.loads(line), "domain": name}
        for name in ("tiny", "tiny_dev")
        for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    results, output = tmp_path / "results.jsonl", tmp_path / "out"
    domain = ["--data", data, "--by", "domain", "--domains", "talk=tiny+tiny_dev", "--held-out", 30]
    arguments = [*domain, "--encoder", tiny_encoder, "--methods", "tfidf", "setfit", "--seeds", 1]
    arguments += ["--results", results, "--output", output, "--sizes", 24]
    main([str(argument) for argument in arguments])
    first = results.read_text(encoding="utf-8")
    assert [json.loads(line)["method"] for line in first.splitlines()] == ["tfidf", "setfit"]
    old = '{"domain": "talk", "size": 24, "seed": 2, "method": "tfidf", "macro_f1": 0.9}\n'
    results.write_text(first + old, encoding="utf-8")
    main([str(argument) for argument in [*arguments, 40]])
    assert results.read_text(encoding="utf-8").startswith(first + old)
    assert len(results.read_text("utf-8").splitlines()) == 5
    captured = capsys.readouterr()
    assert "1 results of an older version, which split documents, are ignored" in captured.err
    assert "tfidf" in captured.out and f"encoder: {tiny_encoder}" in captured.out
    assert len(json.loads((output / "learning_curve.json").read_text("utf-8"))["results"]) == 4
    assert {path.name for path in output.iterdir()} == {"learning_curve.json", "learning_curve.svg"}


def test_a_domain_without_rows_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import main

    with pytest.raises(SystemExit):
        main(["--data", str(DATA / "tiny.jsonl"), "--domains", "x=nowhere", "--output", str(tmp_path)])
    assert "no row has nowhere in its column corpus" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--sizes", "24", "4000"], "--sizes 4000: x has {n} rows, and 30 are held out, so that at most {most} can"),
        (["--held-out", "4000"], "--sizes 24: x has {n} rows, and 4000 are held out, so that at most 0 can be drawn"),
        (["--group-by", "author"], "--group-by: x has no column 'author'. Allowed: "),
        (["--sizes", "24", "--held-out", "20"], "x: --held-out: there would be results for 30 and for 20"),
        (["--sizes", "24", "--group-by", "id"], "x: --group-by: there would be results for None and for id"),
        (
            ["--sizes", "24", "--methods", "setfit", "--encoder", "b"],
            "--encoder: there would be results for a and for b",
        ),
    ],
)
def test_what_cannot_be_drawn_or_compared_is_one_error(
    arguments: list[str], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import main

    text = "".join((DATA / f"{name}.jsonl").read_text("utf-8") for name in ("tiny", "tiny_dev"))
    rows = [{**json.loads(line), "domain": "x", "id": str(n)} for n, line in enumerate(text.splitlines())]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = {"domain": "x", "size": 24, "seed": 1, "group_by": None, "held_out": 30, "macro_f1": 0.5}
    before = "".join(
        json.dumps({**done, "method": method, "encoder": encoder}) + "\n"
        for method, encoder in (("tfidf", None), ("setfit", "a"))
    )
    (tmp_path / "learning_curve.jsonl").write_text(before, encoding="utf-8")
    start = ["--data", tmp_path / "rows.jsonl", "--by", "domain", "--domains", "x", "--output", tmp_path]
    start += ["--seeds", 1, "--methods", "tfidf", "--held-out", 30]
    with pytest.raises(SystemExit):
        main([*map(str, start), *arguments])
    assert error.format(n=len(rows), most=len(rows) - 30) in capsys.readouterr().err
    assert (tmp_path / "learning_curve.jsonl").read_text("utf-8") == before


def _results(values: dict[tuple[str, int, str], list[float]]) -> list[dict[str, object]]:
    return [
        {"domain": domain, "size": size, "seed": seed, "method": method, "macro_f1": value}
        for (domain, size, method), found in values.items()
        for seed, value in enumerate(found)
    ]


def test_the_report_says_which_musts_hold() -> None:
    from benchmarks.learning_curve_report import musts

    found = {
        ("talk", 100, "shipped"): [0.7, 0.7],
        ("talk", 100, "continued"): [0.72, 0.7],
        ("law", 100, "shipped"): [0.7, 0.7],
        ("law", 100, "continued"): [0.7, 0.68],
        ("talk", 300, "shipped"): [0.7],
        ("talk", 300, "continued"): [0.73],
        ("talk", 300, "tfidf"): [0.5],
    }
    at_100, at_300, tfidf = musts(_results(found))
    assert at_100 == "fails: at 100 rows, no domain is below the shipped model; law at 100: -0.010 ± 0.010 (2 seeds)"
    assert at_300.startswith("holds: at 300 rows") and "(+0.030)" in at_300
    assert tfidf == "holds: at every size above tf-idf; lowest: talk at 300: +0.230 (1 seed)"
    assert all(must.startswith("not measured: ") for must in musts(_results({("talk", 24, "shipped"): [0.7]})))


def test_a_point_of_fewer_seeds_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.learning_curve_report import report, table

    found = _results({("talk", 24, "continued"): [0.7, 0.8], ("talk", 24, "setfit"): [0.55]})
    found = [{**one, "group_by": "document", "encoder": "e5" if one["method"] == "setfit" else None} for one in found]
    shown = table([*found, found[-1]])  # twice the same seed is one
    assert [list(column.cells) for column in shown.columns] == [["talk"], ["24"], ["0.750 ± 0.071"], ["0.550 (1 seed)"]]
    report(found, tmp_path, tmp_path)
    printed = capsys.readouterr().out
    assert "\nmean of 2 seeds, unless marked\nencoder: e5\ntalk: rows of one document stay together\n" in printed
    picture = (tmp_path / "learning_curve.svg").read_text("utf-8")
    assert picture.count("(1 seed)") == 1 and "encoder: e5" in picture and "mean of 2 seeds, unless marked" in picture


def test_rows_are_sorted_by_their_place_in_the_text(tmp_path: Path) -> None:
    from benchmarks.domains import invented, natural

    lines = ["Un blog le dit."] + [""] * 15_000 + ["La parole est à vous."]
    with lzma.open(tmp_path / "text.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    rows = [
        {"text": text, "corpus": corpus}
        for text, corpus in [
            *(("le dit", "OpinionText"), ("La parole est à vous.", "OpinionText")),
            *(("Merci.", "EuroparlText"), ("L'usine ferme.", "NewsText")),
        ]
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = [row["corpus"] for row in natural(tmp_path / "rows.jsonl", tmp_path / "text.xz")]
    assert found == ["opinion", "parliament", "parliament"]
    imagined = list(invented())
    assert len(imagined) > 2000 and not any(row["quad"] % 5 == 0 or "press" in row["register"] for row in imagined)
