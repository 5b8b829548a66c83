"""Mistakes in what an evaluation is given, and in a result that is read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evaluating import SENTENCES, StandIn, alone, write

from certainty import CertaintyError
from certainty.cli import main
from certainty.evaluation import Behaviour, Comparison, Evaluation, compare, evaluate_seeds


@pytest.mark.parametrize("seed", [-1, "a", 1.5, 2**32, True])
def test_seeds_are_whole_numbers_of_32_bits(seed: Any) -> None:
    for run in (lambda: alone(StandIn(), seed=seed), lambda: compare([StandIn()], SENTENCES, seed=seed)):
        with pytest.raises(CertaintyError, match=f"seed is {seed!r}; give a whole number from 0 to 4294967295"):
            run()
    with pytest.raises(CertaintyError, match="seed is"):
        evaluate_seeds([StandIn()], SENTENCES, seed=seed)


def test_the_greatest_seed_is_taken() -> None:
    assert alone(StandIn(), seed=2**32 - 1).seed == 2**32 - 1


def test_the_command_refuses_a_greater_seed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--data", "x.csv", "--seed", "5000000000"])
    assert "give a whole number from 0 to 4294967295" in capsys.readouterr().err


def test_models_and_columns_of_the_wrong_kind() -> None:
    with pytest.raises(CertaintyError, match=r"model is int \('3'\); give a folder, a name on the hub"):
        alone(3)
    with pytest.raises(CertaintyError, match=r"by is 'corpus'; give a list of columns, such as \['corpus'\]"):
        alone(StandIn(), by="corpus")

    class Mute:
        def score_sentences(self, sentences: object) -> list[Any]:
            return []

    with pytest.raises(CertaintyError, match=rf"returned 0 scores for {len(SENTENCES)} sentences"):
        alone(Mute())


def test_a_folder_with_and_without_a_slash_is_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data.jsonl", SENTENCES)
    (tmp_path / "m1").mkdir()
    assert main(["evaluate", "--data", "data.jsonl", "--model", "m1", "m1/"]) == 2
    assert "model m1 is given twice" in capsys.readouterr().err


def test_a_result_with_a_value_of_the_wrong_kind_is_refused() -> None:
    values = alone(StandIn()).to_dict()
    assert Evaluation.from_dict(values).to_dict() == values
    for name in set(values) - {"seed", "resamples", "permutations"}:
        with pytest.raises(CertaintyError, match="not a result of this version"):
            Evaluation.from_json(json.dumps({**values, name: 3}))
    with pytest.raises(CertaintyError, match="not a result of this version"):
        Evaluation.from_dict({**values, "metrics": {"macro_f1": 3}})
    with pytest.raises(CertaintyError, match="not the JSON of an evaluation"):
        Evaluation.from_json("[" * 100_000)
    with pytest.raises(CertaintyError, match="evaluations is not a list"):
        Comparison.from_json('{"evaluations": 3}')
    with pytest.raises(CertaintyError, match="not a result of this version"):
        Behaviour.from_dict({"name": "x"})


def test_a_report_that_cannot_be_written_is_told_before_scoring_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("certainty.evaluation.compare", None)  # nothing is scored
    data = write(tmp_path / "data.jsonl", SENTENCES)
    (tmp_path / "report" / "index.html").mkdir(parents=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    for report, told in (
        ("report", "index.html: is a directory"),
        ("data.jsonl", "is a file; give a folder"),
        ("data.jsonl/report", "cannot be written"),
        ("dangling", "cannot be written"),
    ):
        assert main(["evaluate", "--data", data, "--report", str(tmp_path / report)]) == 2
        assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "data.jsonl", "report"]
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["index.html"]


def test_models_that_cannot_be_compared() -> None:
    with pytest.raises(CertaintyError, match="nothing to evaluate on"):
        compare([StandIn()])
    with pytest.raises(CertaintyError, match="no model is given"):
        compare([], SENTENCES)
    with pytest.raises(CertaintyError, match="use `evaluate` for one"):
        compare("models/mine", SENTENCES)


def test_data_that_cannot_be_judged() -> None:
    with pytest.raises(CertaintyError, match="no sentence has a label"):
        alone(StandIn(), SENTENCES[-4:])
    with pytest.raises(CertaintyError, match="every label is asserted"):
        alone(StandIn(), SENTENCES[:36:4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--data": "missing.jsonl"}, "missing.jsonl: no such file"),
        ({"--data": "questions.jsonl"}, "questions.jsonl: no sentence has a label"),
        ({"--data": "one_label.jsonl"}, "one_label.jsonl: every label is asserted"),
        ({"--train": "questions.jsonl"}, "no sentence to train on has a label"),
        ({"--report": "good.jsonl"}, "good.jsonl: is a file; give a folder"),
        ({"--by": "genre"}, "the data has no column 'genre' to slice by"),
        ({"--behaviour": "good.jsonl"}, "good.jsonl, line 1: kind is None. Allowed: mft, inv, dir"),
    ],
)
def test_mistakes_are_told_in_one_line(
    change: dict[str, str],
    message: str,
    tmp_path: Path,
    stand_in: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.jsonl", SENTENCES)
    write(tmp_path / "questions.jsonl", SENTENCES[-4:])
    write(tmp_path / "one_label.jsonl", SENTENCES[:36:4])
    options = {"--model": "first", "--data": "good.jsonl", "--report": "report"} | change
    assert main(["evaluate", *(word for option in options.items() for word in option)]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(f"error: {message}")
    assert captured.out == ""
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to evaluate on; give --data"),
        (["--behaviour", "b.jsonl", "--min-macro-f1", "0.8"], "--min-macro-f1 needs --data"),
        (["--data", "held_out.jsonl", "--model", "same", "same"], "model same is given twice"),
        (["--data", "held_out.jsonl", "--model", "no model"], "no model: no such folder"),
    ],
)
def test_options_that_do_not_go_together(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


@pytest.mark.parametrize("wrong", [["--seed", "-1"], ["--min-macro-f1", "80"]])
def test_options_out_of_range(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--data", "held_out.jsonl", *wrong])
    assert stopped.value.code == 2
    assert f"argument {wrong[0]}: it is" in capsys.readouterr().err
