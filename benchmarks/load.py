"""Hold a constant number of requests at a time against `certainty serve`, and then more than it accepts.

python -m benchmarks.load [--concurrency 32] [--seconds 60 | --minutes 10]

The server is a process of its own on this machine, with its default limits except `--max-requests`, which is the
number of requests. In the first phase, each of so many clients sends one article after the other: every answer must be
200 with all sentences. In the second, four times as many do for a quarter of the time, at most a minute: every answer
must be 200, or 503 with `Retry-After`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import record

ARTICLE = Path("docs/examples/article.txt")
OVERLOAD = 4
MOST_OVERLOAD = 60.0  # seconds
KEPT = ("200", "503 with Retry-After")
"""The outcomes that are no errors; in the first phase, only the first."""
_SAMPLE = 1.0  # seconds between two looks at the memory


@dataclass
class Phase:
    """What happened in one phase: statuses or names of errors, times of answers and memory of the server."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    wall: float = 0.0

    def summary(self, kept: Sequence[str]) -> dict[str, Any]:
        """Return the figures.

        Args:
            kept: The outcomes that are no errors.
        """
        cuts = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [float("nan")] * 99
        third = max(1, len(self.mib) // 3)
        return {
            "seconds": round(self.wall, 1),
            "outcomes": dict(self.outcomes),
            "errors": sum(count for outcome, count in self.outcomes.items() if outcome not in kept),
            "requests_per_second": round(sum(self.outcomes.values()) / self.wall, 1),
            "p50_ms": round(1000 * cuts[49], 1),
            "p99_ms": round(1000 * cuts[98], 1),
            "mib_at_the_start": round(self.mib[0], 1),
            "mib_after_a_third": round(max(self.mib[:third]), 1),
            "mib_at_the_end": round(max(self.mib[-third:]), 1),
        }


def resident_mib(process: int) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def held(address: str, process: int, clients: int, seconds: float, text: str, sentences: int) -> Phase:
    """Run one phase."""
    phase, end = Phase(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)

    async def client(shared: httpx.AsyncClient) -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            try:
                answer = await shared.post("/v1/score", json={"text": text})
            except httpx.HTTPError as error:
                phase.outcomes[type(error).__name__] += 1
                continue
            phase.outcomes[_outcome(answer, sentences)] += 1
            if answer.status_code == httpx.codes.OK:
                phase.seconds.append(time.perf_counter() - began)
            else:
                await asyncio.sleep(0.1)  # less than Retry-After asks for

    async def watch() -> None:
        while True:
            phase.mib.append(resident_mib(process))
            await asyncio.sleep(_SAMPLE)

    began = time.perf_counter()
    watching = asyncio.create_task(watch())
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as shared:
        await asyncio.gather(*(client(shared) for _ in range(clients)))
    watching.cancel()
    phase.wall = time.perf_counter() - began
    return phase


def _outcome(answer: httpx.Response, sentences: int) -> str:
    if answer.status_code == httpx.codes.OK:
        return "200" if len(answer.json()["sentences"]) == sentences else "200, but sentences are missing"
    asked = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers
    return f"{answer.status_code}{' with Retry-After' if asked else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--concurrency", type=int, default=32, help="requests at a time (default: %(default)s)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=60, help="of the first phase (default: %(default)s)")
    length.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--output", type=Path, default=Path(record.FOLDER), help="folder for the JSON file")
    options = parser.parse_args(arguments)
    seconds = options.seconds if options.minutes is None else 60 * options.minutes
    text = ARTICLE.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0", "--log-level", "warning"]
    command += ["--max-requests", str(options.concurrency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found, "the server did not start"
        address = found[0]
        sentences = len(httpx.post(f"{address}/v1/score", json={"text": text}, timeout=60).json()["sentences"])
        phases = {
            name: asyncio.run(held(address, server.pid, clients, length, text, sentences)).summary(kept)
            for name, clients, length, kept in (
                ("held", options.concurrency, seconds, KEPT[:1]),
                ("overload", OVERLOAD * options.concurrency, min(seconds / 4, MOST_OVERLOAD), KEPT),
            )
        }
        server.terminate()
        status = server.wait(timeout=60)
    for name, figures in phases.items():
        print(name, figures)
    print("exit status after SIGTERM", status)
    result = {"concurrency": options.concurrency, "sentences": sentences, "phases": phases, "exit_status": status}
    record.write(options.output, "load", result)
    return 1 if status or any(figures["errors"] for figures in phases.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
