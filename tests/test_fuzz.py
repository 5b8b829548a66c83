"""A long fuzzing run goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz.rounds import Round, read_log, rounds_until


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
    assert targets_until(240) == ["fast", "slow", "broken", "fast"]  # the broken one may have been mended meanwhile
    assert sum(one.inputs for one in read_log(log)) == 322
    again = targets_until(1000, jobs=3)
    assert again.count("broken") == 1 and sum(one.inputs for one in read_log(log)) >= 1000
    assert [one.target for one in read_log(log)][7:] == again
