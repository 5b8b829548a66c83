"""Fuzz targets in rounds of some minutes, each in a process of its own, and keep a log, so that a night can go on."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fuzz.targets import seeds

_STATISTIC = re.compile(r"stat::(\w+):\s+(\d+)")
_COVERAGE = re.compile(r"cov: (\d+)")
_CORPUS = re.compile(r"#(\d+)\s+INITED")


@dataclass(frozen=True)
class Round:
    """What a process has tried.

    Attributes:
        target: Name of the target.
        seconds: How long it was to run.
        inputs: Number of inputs, without those of earlier rounds that it began with.
        branches: Branches of the code that all inputs of the target reach.
        mib: Its peak memory.
        failed: Whether an input broke a promise; it is saved beside the folder of the target.
        date: When it ended, in ISO 8601.
    """

    target: str
    seconds: int
    inputs: int
    branches: int
    mib: int
    failed: bool
    date: str

    def __str__(self) -> str:
        outcome = "FAILED" if self.failed else "no failure"
        return f"{self.target}: {self.inputs:,} inputs, {self.branches:,} branches, {self.mib} MB, {outcome}"


Fuzz = Callable[[str, int, Path], Round]


def fuzz(target: str, seconds: int, corpus: Path) -> Round:
    """Do one round in a process; what it finds is added to the folder of the target in `corpus`."""
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (folder / f"seed-{number}").write_bytes(seed)
    limits = (
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=30",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    )
    command = [sys.executable, "-m", "benchmarks.fuzz.one", target, *limits]
    command += [f"-artifact_prefix={corpus}/{target}-", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if run.returncode:
        print(run.stderr[-4000:], file=sys.stderr)
    found = {name: int(value) for name, value in _STATISTIC.findall(run.stderr)}
    begun = int((_CORPUS.findall(run.stderr) or [0])[0])
    return Round(
        target,
        seconds,
        max(0, found.get("number_of_executed_units", 0) - begun),
        int((_COVERAGE.findall(run.stderr) or [0])[-1]),
        found.get("peak_rss_mb", 0),
        run.returncode != 0,
        datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def read_log(log: Path) -> list[Round]:
    """Return the rounds of earlier runs."""
    if not log.exists():
        return []
    return [Round(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]


def rounds_until(
    inputs: int, targets: Sequence[str], seconds: int, jobs: int, corpus: Path, log: Path, fuzz: Fuzz = fuzz
) -> Iterator[Round]:
    """Do rounds until the log has so many inputs in all, those of earlier runs included, and yield each.

    The next round is of the target with the least time so far, and the last turn is finished, so that all targets get
    the same time, however many inputs a cheap one tries in it. A target with a failed round in the log gets none.

    Args:
        inputs: Number of inputs.
        targets: Names of the targets.
        seconds: Length of a round.
        jobs: Number of processes at a time.
        corpus: Folder of the inputs that reach new code.
        log: JSON Lines to which each round is appended as it ends.
        fuzz: Does a round.
    """
    earlier = read_log(log)
    total = sum(one.inputs for one in earlier)
    failed = {one.target for one in earlier if one.failed}
    time = {name: sum(one.seconds for one in earlier if one.target == name) for name in targets if name not in failed}
    running: set[Future[Round]] = set()

    def due() -> bool:
        times = time.values()
        return bool(times) and (total < inputs or min(times) == 0 or max(times) - min(times) >= seconds)

    with ThreadPoolExecutor(jobs) as pool:
        while running or due():
            while len(running) < jobs and due():
                target = min(time, key=lambda name: time[name])
                time[target] += seconds
                running.add(pool.submit(fuzz, target, seconds, corpus))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in (future.result() for future in done):
                with log.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(one)) + "\n")
                total += one.inputs
                if one.failed:
                    time.pop(one.target, None)
                yield one
