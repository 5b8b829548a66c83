"""A long fuzzing run goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import main
from benchmarks.fuzz.rounds import Round, read_log, rounds_until
from benchmarks.fuzz.targets import TARGETS, seeds


def a_round(target: str, seconds: int, corpus: Path) -> Round:
    return Round(
        target, seconds, {"fast": 100, "slow": 10, "broken": 1}[target], 7, 50, target == "broken", "2025-01-01"
    )


def test_rounds_go_on_up_to_a_number_of_inputs_in_all(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"

    def targets_until(inputs: int, jobs: int = 1) -> list[str]:
        names = ["fast", "slow", "broken"]
        return [one.target for one in rounds_until(inputs, names, 60, jobs, tmp_path, log, a_round)]

    assert targets_until(111) == ["fast", "slow", "broken"]  # each has the same time
    assert targets_until(111) == []
    assert targets_until(240) == ["fast", "slow"] * 2  # a failure is remembered; the turn is finished
    assert sum(one.inputs for one in read_log(log)) == 331
    again = targets_until(1000, jobs=3)
    assert "broken" not in again and sum(one.inputs for one in read_log(log)) >= 1000
    assert [one.target for one in read_log(log)][7:] == again
    assert again.count("fast") == again.count("slow")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_target_has_a_round_before_a_cheap_one_ends_the_run(tmp_path: Path, jobs: int) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps(asdict(replace(a_round("fast", 90, tmp_path), inputs=13_600_000))) + "\n", encoding="utf-8"
    )
    done = [one.target for one in rounds_until(10_000_000, ["fast", "slow"], 60, jobs, tmp_path, log, a_round)]
    assert done == ["slow"]


def test_a_failure_in_the_log_fails_later_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [Round("read", 60, 500, 7, 50, True, "2025-01-01"), Round("tables", 60, 500, 7, 50, False, "2025-01-01")]
    lines = [json.dumps(asdict(one)) + "\n" for one in earlier]
    (tmp_path / "log.jsonl").write_text("".join(lines), encoding="utf-8")
    for target, status in (("read", 1), ("tables", 0)):
        monkeypatch.setattr("sys.argv", ["fuzz", target, "--inputs", "1000", "--corpus", str(tmp_path)])
        assert main() == status
    assert "read: 500 inputs, 7 branches, 50 MB, FAILED on 2025-01-01" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["importers", "archive"])
def test_what_the_fuzzer_begins_with_keeps_the_promises(target: str) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    begun = [TARGETS[target](seed) for seed in seeds(target)]
    assert len(begun) > 30
