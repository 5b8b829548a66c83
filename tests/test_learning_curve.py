"""The benchmark of learning from few rows: its samples, and that it continues where it stopped."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DATA

from certainty import CertaintyError
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS


def test_samples_grow_and_held_out_rows_stay() -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import draw

    rows = read_labelled([DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl"])
    (few, held), (more, same) = (draw(rows, size, 30, seed=1) for size in (24, 40))
    assert held == same and len(held) == 30 and few == more[:24]
    assert not {s.text for s in held} & {s.text for s in more}
    assert min(sum(s.label is label for s in few) for label in LABELS) >= 5


def test_a_sample_can_be_split_into_five_parts() -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import draw
    from certainty.finetuning.partition import folds_of

    rows = sorted((s for s in _labelled() if s.label), key=lambda s: str(s.label))
    rows = [replace(s, group=n // 3) for n, s in enumerate(rows)]
    for seed in range(3):
        train, _ = draw(rows, 24, 10, seed)
        assert set(folds_of(train, 5, None, seed).tolist()) == set(range(5))
    with pytest.raises(CertaintyError, match="rows labelled asserted in only 1 sets"):
        draw([replace(s, group=n % 2) for n, s in enumerate(rows)], 24, 10, seed=1)


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
    main([str(argument) for argument in [*arguments, 40, 4000]])
    assert results.read_text(encoding="utf-8").startswith(first) and len(results.read_text("utf-8").splitlines()) == 4
    captured = capsys.readouterr()
    assert "talk, 4000 rows, seed 1: left out" in captured.err and "tfidf" in captured.out
    assert {path.name for path in output.iterdir()} == {"learning_curve.json", "learning_curve.svg"}


def test_a_domain_without_rows_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import main

    with pytest.raises(SystemExit):
        main(["--data", str(DATA / "tiny.jsonl"), "--domains", "x=nowhere", "--output", str(tmp_path)])
    assert "no row has nowhere in its column corpus" in capsys.readouterr().err


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
    assert at_100 == "fails: at 100 rows, no domain is below the shipped model; law at 100: -0.010 ± 0.010"
    assert at_300.startswith("holds: at 300 rows") and "(+0.030)" in at_300
    assert tfidf == "holds: at every size above tf-idf; lowest: talk at 300: +0.230"
    assert all(must.startswith("not measured: ") for must in musts(_results({("talk", 24, "shipped"): [0.7]})))


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
