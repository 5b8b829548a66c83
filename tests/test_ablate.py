"""The measuring of settings: its variants, its table, and going on where it was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import DATA

from certainty import CertaintyError
from certainty.finetuning.settings import FinetuningSettings
from certainty.labelled import read_labelled
from training.experiments import ablate, ablation_runs
from training.experiments.ablate import main
from training.experiments.variants import parse_variant

BASE = FinetuningSettings(encoder="an-encoder", dropout=0.0, epochs=1)


@pytest.fixture
def arguments(tiny_encoder: Path, tmp_path: Path) -> list[str]:
    """Everything but variants and output; two groups are held out."""
    config = tmp_path / "settings.yaml"
    config.write_text("batch_size: 8\nlearning_rate: 0.003\nbf16: false\nevaluations_per_epoch: 1\n")
    rows = [json.loads(line) for line in (DATA / "tiny.jsonl").read_text(encoding="utf-8").splitlines()]
    groups = sorted({row["quad"] for row in rows if row.get("quad")})[:2]
    for row in rows:
        row["id"] = f"row-{row['text']}"
        if row.get("quad") in groups:
            row["quad"] *= 5
    train = tmp_path / "train.jsonl"
    train.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = ["--config", str(config), "--encoder", str(tiny_encoder), "--train", str(train)]
    return [*given, "--dev", str(DATA / "tiny_dev.jsonl"), "--epochs", "1"]


def test_a_row_for_each_variant_and_nothing_done_twice(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "table.md"
    command = [*arguments, "--variant", "dropout=0.3", "--seeds", "1", "2", "--output", str(output)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert output.read_text() == shown
    header, _, *rows = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in shown.splitlines())
    assert header[:4] == ("variant", "dev macro-F1", "held-out contrast accuracy", "whole quadruples")
    assert [row[0] for row in rows] == ["baseline", "dropout=0.3"]
    for row in rows:
        assert "±" in row[1] and all(0 <= float(cell) <= 1 for cell in row[2:5])
    results = [json.loads(line) for line in (tmp_path / "table.jsonl").read_text().splitlines()]
    assert [(r["variant"], r["seed"]) for r in results] == [(v, s) for v in ("baseline", "dropout=0.3") for s in (1, 2)]

    def run_once(run: ablation_runs.Run) -> dict[str, object]:
        ran.append((run.variant, run.settings.seed))
        return {**results[0], "variant": run.variant, "seed": run.settings.seed, "key": run.key}

    ran: list[tuple[str, int]] = []
    monkeypatch.setattr(ablation_runs, "run_once", run_once)
    assert main(command) == 0
    assert not ran and capsys.readouterr().out == shown
    # A kill in the middle of a line: that run is done again, the others are not.
    whole = (tmp_path / "table.jsonl").read_text()
    (tmp_path / "table.jsonl").write_text(whole[:-30])
    assert main([*command, "--variant", "layer_decay=0.8"]) == 0
    assert ran == [("dropout=0.3", 2), ("layer_decay=0.8", 1), ("layer_decay=0.8", 2)]
    ran.clear()
    assert main([*command, "--sentences", "20"]) == 0
    assert len(ran) == 4, "other sentences make other runs"


def test_processes_give_what_one_gives(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    tables = []
    for i, options in enumerate(([], ["--jobs", "2", "--cpu"])):
        output = tmp_path / f"{i}.md"
        assert main([*arguments, "--seeds", "1", "2", "--output", str(output), *options]) == 0
        results = [json.loads(line) for line in output.with_suffix(".jsonl").read_text().splitlines()]
        tables.append(sorted((r["key"], round(r["macro_f1"], 3)) for r in results))
    assert tables[0] == tables[1]
    capsys.readouterr()


def test_corrections_and_extra_sentences_change_train_alone(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[ablation_runs.Run] = []

    def results(given: list[ablation_runs.Run], *_: object) -> list[dict[str, object]]:
        runs.extend(given)
        return []

    monkeypatch.setattr(ablate, "results", results)
    train = read_labelled(arguments[5])
    wrong = next(s for s in train if (s.label and s.group is None) or (s.group and s.group % 5))
    fix = {"id": wrong.id, "old": wrong.label, "new": "no_claim", "reason": "a title"}
    (tmp_path / "fix.jsonl").write_text(json.dumps(fix) + "\n")
    held_out = next(s for s in train if s.group and s.group % 5 == 0)
    rows = [{"text": "Le pont est sans doute fermé.", "label": "probable"}, {"text": held_out.text, "label": "denied"}]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [*arguments, "--corrections", str(tmp_path / "fix.jsonl"), "--extra", f"more={tmp_path / 'more.jsonl'}"]
    assert main([*command, "--seeds", "1", "--variant", "corrections=on", "--variant", "extra=more"]) == 0
    plain, corrected, more = runs
    assert plain.dev == corrected.dev == more.dev and plain.contrast == corrected.contrast == more.contrast
    assert [(a.label, b.label) for a, b in zip(plain.train, corrected.train, strict=True) if a != b] == [
        (wrong.label, None)
    ]
    assert [s.text for s in more.train[len(plain.train) :]] == [rows[0]["text"]], "nothing that is held out"


def test_a_sample_keeps_groups_whole(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[ablation_runs.Run] = []
    monkeypatch.setattr(ablate, "results", lambda given, *_: runs.extend(given) or [])
    assert main([*arguments, "--seeds", "1", "--sentences", "30"]) == 0
    assert main([*arguments, "--seeds", "1"]) == 0
    sampled, every = (run.train for run in runs)
    assert 30 <= len(sampled) < 34 and len(sampled) < len(every)
    groups = {s.group for s in sampled} - {None}
    assert groups
    assert {s for s in every if s.group in groups} <= set(sampled)


def test_variants() -> None:
    assert parse_variant("", BASE) == parse_variant("baseline", BASE)
    assert parse_variant("", BASE).settings == BASE
    made = parse_variant(
        "label_smoothing=5e-1, dropout=0.1,pooling_layer=true,batch_size=16,max_length=null,extra=a+b,corrections=on",
        BASE,
        ["a", "b"],
        True,
    )
    assert (made.settings.label_smoothing, made.settings.dropout, made.settings.batch_size) == (0.5, 0.1, 16)
    assert made.settings.pooling_layer is True and made.settings.max_length is None
    assert made.corrections and made.extra == ("a", "b")


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("droput=0.1", "unknown setting 'droput'"),
        ("dropout", "'dropout' is not setting=value"),
        ("dropout=0.1,dropout=0.2", "dropout is given twice"),
        ("dropout=much", "dropout is 'much'; it must be a valid number"),
        ("batch_size=1.5", "batch_size is 1.5; it must be a valid integer"),
        ("batch_size=true", "batch_size is True; true and false are not allowed here"),
        ("pooling_layer=2", "pooling_layer is 2; it must be a valid boolean"),
        ("dropout=2", "dropout is 2; it must be less than 1"),
        ("seed=3", "use --seeds"),
        ("corrections=on", "name their files with --corrections"),
        ("corrections=yes", "Allowed: on, off"),
        ("extra=more", "give --extra more=FILE"),
        ("dropout=[", "dropout is '['"),
    ],
)
def test_wrong_variants(variant: str, message: str) -> None:
    with pytest.raises(CertaintyError) as caught:
        parse_variant(variant, BASE)
    assert message in str(caught.value) and str(caught.value).startswith(f"--variant {variant!r}: ")


def test_wrong_arguments_are_told_before_any_training(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, message in (
        (["--variant", "droput=0.1"], "unknown setting 'droput'. Did you mean 'dropout'?"),
        (["--variant", "encoder=none"], "none: no such folder. Give the folder of the encoder"),
        (["--extra", "more"], "write NAME=FILE"),
        (["--jobs", "0"], "--jobs is 0"),
        (["--output", "table.jsonl"], "give the table the suffix .md"),
        (["--output", str(tmp_path / "none" / "table.md")], "there is no folder"),
    ):
        assert main([*arguments, *wrong]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and message in captured.err
