"""Cold start: `python -m benchmarks.startup [FILE]`.

Times fresh processes, from their start to their end: `import certainty`, `certainty score FILE`, and
`transformers.pipeline` on the same model and one sentence; the rounds are interleaved.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from certainty.model_folder import default_model

ARTICLE = "docs/examples/article.txt"
PIPELINE = (
    "from transformers import pipeline; pipeline('text-classification', model={model!r}, top_k=None)('Moscou dément.')"
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("file", nargs="?", default=ARTICLE)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import certainty": [sys.executable, "-c", "import certainty"],
        f"certainty score {args.file}": [sys.executable, "-m", "certainty", "score", args.file],
        "transformers pipeline, one sentence": [sys.executable, "-c", PIPELINE.format(model=str(default_model()))],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(args.rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - started)
    for name, times in seconds.items():
        print(f"{statistics.median(times):6.2f} s median, {min(times):6.2f} s best of {args.rounds}: {name}")


if __name__ == "__main__":
    main()
