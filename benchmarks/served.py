"""The time of one sentence through the server, for some numbers of clients at a time."""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

import httpx

CLIENTS = (1, 4, 16)
Figures = dict[str, float]


def served(texts: Sequence[str], model: str, threads: int, seconds: float = 10) -> dict[str, Figures]:
    """Return the figures of `certainty serve` by the number of clients, which each send one sentence after the other.

    Args:
        texts: The sentences.
        model: Folder of the model.
        threads: Number of threads of the server.
        seconds: How long each number of clients asks.

    Returns:
        For each number of clients the median and 99th percentile of the time of an answer in milliseconds, and
        sentences per second.
    """
    with started("--model", model, "--threads", str(threads)) as (_, address):
        asyncio.run(_asked(address, texts, 4, 1.0))  # warm up
        return {str(clients): asyncio.run(_asked(address, texts, clients, seconds)) for clients in CLIENTS}


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `certainty serve` on a free port, and stop it at the end; yield its process and its address."""
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0", "--log-level", "warning", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the server did not start"
            yield server, found[0]
        finally:
            server.terminate()


async def _asked(address: str, texts: Sequence[str], clients: int, seconds: float) -> Figures:
    times: list[float] = []
    left = cycle(texts)
    began = time.perf_counter()

    async def client(shared: httpx.AsyncClient) -> None:
        while time.perf_counter() < began + seconds:
            asked = time.perf_counter()
            answer = await shared.post("/v1/score", json={"text": next(left)})
            answer.raise_for_status()
            times.append(time.perf_counter() - asked)

    async with httpx.AsyncClient(base_url=address, timeout=60) as shared:
        await asyncio.gather(*(client(shared) for _ in range(clients)))
    cuts = statistics.quantiles(times, n=100)
    wall = time.perf_counter() - began
    return {"p50_ms": 1000 * cuts[49], "p99_ms": 1000 * cuts[98], "sentences_per_second": len(times) / wall}
