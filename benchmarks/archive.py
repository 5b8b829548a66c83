"""Kill `certainty archive` at random moments and resume it: `python -m benchmarks.archive`.

The archive has synthetic documents in several formats. Each run is a process of its own, which SIGKILL ends a random
time after it has begun its first part, until one reaches the end. Then every sentence must be there once.

With `--tiny`, a small model of random weights scores, so that many more sentences pass through all else.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.sentences import sentences_like_text
from benchmarks.tiny_model import write_tiny_model
from certainty.archive.parts import all_records
from certainty.sentences import split_sentences

_POOL = 10_000  # different sentences; the number in each document makes its text unique
_DOCUMENT = 20  # sentences
_POLL = 0.05


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--sentences", type=int, default=100_000, help="approximate number of sentences")
    parser.add_argument("--tiny", action="store_true", help="score with a tiny model of random weights")
    parser.add_argument("--kills", type=int, default=20, help="number of kills before a run may end")
    parser.add_argument(
        "--longest", type=float, default=30, help="largest number of seconds from the first part to a kill"
    )
    parser.add_argument("--part-sentences", type=int, default=2_000, help="see `certainty archive`")
    parser.add_argument("--most-mib", type=int, default=512, help="memory that no run may exceed at its peak")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="archive-"))
    try:
        if args.tiny:
            write_tiny_model(folder / "tiny")
            args.model = str(folder / "tiny")
        expected = write_inputs(folder / "in", args.sentences // _DOCUMENT)
        command = [sys.executable, "-m", "certainty", "archive", str(folder / "in"), "--output", str(folder / "out")]
        command += ["--resume", "--quiet", "--model", args.model, "--threads", str(args.threads)]
        command += ["--part-sentences", str(args.part_sentences)]
        result = kill_and_resume(command, folder / "out", args.kills, args.longest, random.Random(args.seed))
        result |= counted(folder / "out", expected) | summarised(folder / "out")
    finally:
        shutil.rmtree(folder)
    print(json.dumps(result, indent=1))
    record.write(
        args.output,
        "archive",
        {
            "model": "tiny" if args.tiny else Path(args.model).name,
            "part_sentences": args.part_sentences,
            "threads": args.threads,
            **result,
        },
    )
    if result["lost"] or result["doubled"]:
        sys.exit("rows are lost or doubled")
    if result["peak_mib"] > args.most_mib:
        sys.exit(f"a run took {result['peak_mib']} MiB, more than {args.most_mib}")


def documents(count: int) -> Iterator[tuple[str, str]]:
    """Yield ids and texts."""
    pool = sentences_like_text(_POOL)
    rng = random.Random(0)
    for number in range(count):
        sentences = rng.sample(pool, _DOCUMENT - 1)
        yield f"d{number}", f"Voici le document {number}.\n" + "\n".join(sentences)


def write_inputs(folder: Path, count: int) -> int:
    """Write a folder with a compressed JSONL, a Parquet file and texts; return the number of their sentences."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "texts").mkdir(parents=True)
    made = documents(count)
    expected = 0

    def taken(share: int) -> Iterator[tuple[str, str]]:
        nonlocal expected
        for key, text in islice(made, share):
            expected += len(split_sentences(text))
            yield key, text

    half = count // 2
    with gzip.open(folder / "a.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as out:
        for key, text in taken(half):
            out.write(json.dumps({"id": key, "text": text, "section": "a"}) + "\n")
    texts = min(200, count // 10)
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(folder / "b.parquet", schema) as writer:
        rows = taken(count - half - texts)
        while batch := [{"id": key, "text": text} for key, text in islice(rows, 1000)]:
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
    for key, text in taken(texts):
        (folder / "texts" / f"{key}.txt").write_text(text, encoding="utf-8")
    return expected


def kill_and_resume(command: list[str], output: Path, kills: int, longest: float, rng: random.Random) -> dict[str, Any]:
    """Run the command until it ends by itself; return its times and its peak memory."""
    done, peak, begun = 0, 0.0, time.perf_counter()
    after_kills: list[int] = []
    while True:
        stale = _drafts(output)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        left = rng.uniform(0, longest) if done < kills else float("inf")
        until = float("inf")
        while process.poll() is None and time.perf_counter() < until:
            if until == float("inf") and _drafts(output) - stale:
                until = time.perf_counter() + left
            peak = max(peak, _peak_mib(process.pid))
            time.sleep(_POLL)
        if process.poll() is not None:
            if process.returncode:
                sys.exit(f"the run ended with status {process.returncode}")
            break
        process.kill()
        process.wait()
        done += 1
        after_kills.append(sum(part.sentences for part in all_records(output)))
    return {
        "kills": done,
        "sentences_after_kills": after_kills,
        "seconds": round(time.perf_counter() - begun, 1),
        "peak_mib": round(peak),
    }


def _drafts(output: Path) -> set[Path]:
    return set((output / "sentences").glob(".*.tmp"))


def counted(output: Path, expected: int) -> dict[str, int]:
    """Count the rows that are missing, and those that are there more than once."""
    import duckdb

    with duckdb.connect() as connection:
        connection.read_parquet(f"{output}/sentences/*.parquet").create_view("sentences")
        query = 'SELECT count(*), count(DISTINCT (file, "row", id, sentence)) FROM sentences'
        ((count, distinct),) = connection.execute(query).fetchall()
    return {"sentences": count, "expected": expected, "lost": expected - distinct, "doubled": count - distinct}


def summarised(output: Path) -> dict[str, float]:
    """Return the seconds that the summary takes."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "certainty", "archive", "summary", str(output)], check=True, stdout=subprocess.DEVNULL
    )
    return {"summary_seconds": round(time.perf_counter() - begun, 1)}


def _peak_mib(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0.0
    found = status.partition("VmHWM:")[2].split()
    return int(found[0]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
