"""Measure the time of a cold start: `python -m benchmarks.startup [FILE]`.

Measures new processes from start to end: `import certainty`, `certainty score FILE`, and one sentence with certainty,
also by engine, without the cache of prepared graphs (`CERTAINTY_CACHE=`), and with `transformers.pipeline` on the same
model; with `--baseline`, also with another version of certainty and its own model. The rounds are interleaved, after
one that is not counted, in which modules are compiled and the graph is kept.

    git worktree add ../baseline bc2bb1b  # 0.4.0
    python -m benchmarks.startup --baseline ../baseline
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import record
from benchmarks.contenders import ratio
from certainty.engines.graph_cache import CACHE_VARIABLE

ARTICLE = "docs/examples/article.txt"
SENTENCE = "Moscou dément."
IMPORT, ONE, PIPELINE = "import certainty", "certainty, one sentence", "pipeline, one sentence"
UNKEPT = f"{ONE}, nothing kept"
BASELINE = "baseline, one sentence"
BASELINE_CODE = "import certainty; certainty.load().score({text!r})"
CERTAINTY_CODE = "import certainty; certainty.load({model!r}, engine={engine!r}).score({text!r})"
PIPELINE_CODE = (
    "from transformers import pipeline; pipeline('text-classification', model={model!r}, top_k=None)({text!r})"
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("file", nargs="?", default=ARTICLE)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--baseline", type=Path, help="checkout of another version of certainty")
    args = parser.parse_args()
    score = f"certainty score {args.file}"
    values = {"model": args.model, "text": SENTENCE}
    commands = {
        "python -c pass": ["-c", "pass"],
        IMPORT: ["-c", "import certainty"],
        ONE: ["-c", CERTAINTY_CODE.format(**values, engine="auto")],
        **{f"{ONE}, {e}": ["-c", CERTAINTY_CODE.format(**values, engine=e)] for e in ("onnx", "onnx-int8")},
        UNKEPT: ["-c", CERTAINTY_CODE.format(**values, engine="auto")],
        score: ["-m", "certainty", "score", args.file, "--model", args.model],
        PIPELINE: ["-c", PIPELINE_CODE.format(**values)],
    }
    if args.baseline:
        commands[BASELINE] = ["-c", BASELINE_CODE.format(**values)]
    folders = {BASELINE: args.baseline}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        _run(name, command, folders.get(name))
    for _ in range(args.rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            _run(name, command, folders.get(name))
            seconds[name].append(time.perf_counter() - started)
    for name, times in seconds.items():
        print(f"{statistics.median(times):6.2f} s median, {min(times):6.2f} s best of {args.rounds}: {name}")
    faster = ratio(seconds[PIPELINE], seconds[ONE])
    print(f"cold process to the first score: {faster:.1f} × the pipeline")
    ratios = {"ratio_to_pipeline": faster}
    if args.baseline:
        ratios["ratio_to_baseline"] = ratio(seconds[BASELINE], seconds[ONE])
        print(f"cold process to the first score: {ratios['ratio_to_baseline']:.2f} × the baseline")
    record.write(args.output, "startup", {"seconds": seconds, **ratios})
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    record.plot_bars(args.output, "startup", medians, "seconds from start to end of a new process")


def _run(name: str, command: list[str], folder: Path | None) -> None:
    """Run a command as a user's Python would, which keeps compiled modules: pip compiles those that it installs.

    With `-c`, Python imports from the folder in which it runs; None is the current one.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if name == UNKEPT:
        environment[CACHE_VARIABLE] = ""
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=environment, cwd=folder)


if __name__ == "__main__":
    main()
