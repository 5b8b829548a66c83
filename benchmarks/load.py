"""Hold a constant number of requests at a time against `certainty serve`, and then more than it accepts.

python -m benchmarks.load [--concurrency 32] [--seconds 60 | --minutes 10]

The server is a process of its own on this machine, with its default limits except `--max-requests`, which is the
number of requests and of clients that disturb them. In the first phase, each of so many clients sends one article after
the other: every answer must be 200 with all sentences. Meanwhile some others stall in the middle of a body, never read
their answer, or leave; their outcomes are counted apart. In the second phase, four times as many send articles for a
quarter of the time, at most a minute: every answer must be 200, or 503 with `Retry-After`, and some must be 503.

The exit status is 1 if a phase has an error, if the memory at the end of the first one is more than a tenth (and 16
MiB) above that after a third, if nothing was refused in the second one, or if the server ends badly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks import record
from benchmarks.served import started

ARTICLE = Path("docs/examples/article.txt")
OVERLOAD = 4
MOST_OVERLOAD = 60.0  # seconds
KEPT = ("200", "503 with Retry-After")
"""The outcomes that are no errors; in the first phase, only the first."""
GROWTH, SLACK = 1.1, 16.0
"""How much more memory the first phase may end with than it had after a third: times, and MiB."""
DISTURBING = 2
"""Clients of each kind that stall or leave, in the first phase."""
PATIENCE = 90.0
"""Seconds after which a client that never reads looks what has come; the server's `--timeout` is a minute."""
_SAMPLE = 1.0  # seconds between two looks at the memory, and between two disturbances of a client


@dataclass
class Phase:
    """What happened in one phase: statuses or names of errors, times of answers and memory of the server.

    What the clients met that stall or leave is in `disturbed`.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    disturbed: Counter[str] = field(default_factory=Counter)
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
            "disturbed": dict(self.disturbed),
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


def failures(phases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what is not as it must be, given the figures of the phases `held` and `overload`."""
    found = [f"{name}: {figures['errors']} errors" for name, figures in phases.items() if figures["errors"]]
    before, after = (phases["held"][f"mib_{when}"] for when in ("after_a_third", "at_the_end"))
    if after > GROWTH * before + SLACK:
        found.append(f"held: memory grew from {before} to {after} MiB")
    if not phases["overload"]["outcomes"].get(KEPT[1]):
        found.append("overload: nothing was refused")
    return found


async def held(
    address: str, process: int, clients: int, seconds: float, text: str, sentences: int, disturbing: int = 0
) -> Phase:
    """Run one phase.

    Args:
        address: Of the server.
        process: Of the server.
        clients: Number of requests at a time.
        seconds: How long.
        text: What each request sends.
        sentences: How many of them each answer must have.
        disturbing: Clients of each kind that stall or leave.
    """
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
    beside = [asyncio.create_task(watch())]
    for act in _DISTURBANCES * disturbing:
        beside.append(asyncio.create_task(_disturb(address, act, text, phase.disturbed)))
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as shared:
        await asyncio.gather(*(client(shared) for _ in range(clients)))
    phase.wall = time.perf_counter() - began
    for task in beside:
        task.cancel()
    for ended in await asyncio.gather(*beside, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError):
            raise ended or RuntimeError("a client that disturbs ended before the phase")
    return phase


Disturbance = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[str]]


async def _disturb(address: str, act: Disturbance, text: str, outcomes: Counter[str]) -> None:
    """Disturb the server again and again in one way, and count what comes of it."""
    where = urlsplit(address)
    while True:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the system is not to read for us
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (where.hostname, where.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
        try:
            came = await act(reader, writer, text)
        except ConnectionError as error:
            came = type(error).__name__
        finally:
            writer.transport.abort()
        outcomes[f"{act.__name__}: {came}"] += 1
        await asyncio.sleep(_SAMPLE)


async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
    """Send half a body and wait for the status."""
    body = json.dumps({"text": text}).encode()
    writer.write(_head(len(body)) + body[: len(body) // 2])
    return (await reader.readline()).decode().strip()


async def never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
    """Ask for a long answer, and look only after the server must have given up what has come of it."""
    body = json.dumps({"texts": [" " * 99_000] * 40}).encode()  # without a sentence: nothing to score
    writer.write(_head(len(body)) + body)
    await writer.drain()
    await asyncio.sleep(PATIENCE)
    taken = 0
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            taken += len(piece)
    return "broken off" if taken < len(body) else "answered whole"


async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
    """Ask, and leave while the text is scored or waits."""
    body = json.dumps({"text": text}).encode()
    writer.write(_head(len(body)) + body)
    await writer.drain()
    await asyncio.sleep(0.5)
    return "left"


async def leaves_in_the_middle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
    """Leave in the middle of a body."""
    body = json.dumps({"text": text}).encode()
    writer.write(_head(len(body)) + body[: len(body) // 2])
    await writer.drain()
    await asyncio.sleep(0.5)
    return "left"


_DISTURBANCES: list[Disturbance] = [stalls, never_reads, leaves, leaves_in_the_middle]


def _head(length: int) -> bytes:
    head = "POST /v1/score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


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
    most = options.concurrency + DISTURBING * len(_DISTURBANCES)
    with started("--max-requests", str(most)) as (server, address):
        sentences = len(httpx.post(f"{address}/v1/score", json={"text": text}, timeout=60).json()["sentences"])
        phases = {
            name: asyncio.run(held(address, server.pid, clients, length, text, sentences, beside)).summary(kept)
            for name, clients, length, kept, beside in (
                ("held", options.concurrency, seconds, KEPT[:1], DISTURBING),
                ("overload", OVERLOAD * most, min(seconds / 4, MOST_OVERLOAD), KEPT, 0),
            )
        }
        server.terminate()
        status = server.wait(timeout=60)
    for name, figures in phases.items():
        print(name, figures)
    print("exit status after SIGTERM", status)
    result = {"concurrency": options.concurrency, "sentences": sentences, "phases": phases, "exit_status": status}
    record.write(options.output, "load", result)
    wrong = failures(phases)
    for failure in wrong:
        print(failure, file=sys.stderr)
    return 1 if status or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
