"""The benchmark of the server under load: what it takes for a failure, and that those who stall change nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest
from serving import echo, serving

from benchmarks import load
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings


def phases(errors: int = 0, end: float = 200.0, refused: int = 5) -> dict[str, dict[str, Any]]:
    memory = {"mib_after_a_third": 200.0, "mib_at_the_end": end}
    outcomes = {"200": 9, **({load.KEPT[1]: refused} if refused else {})}
    return {
        "held": {"errors": errors, "outcomes": {"200": 9}, **memory},
        "overload": {"errors": 0, "outcomes": outcomes, **memory},
    }


def test_a_good_run_has_no_failure() -> None:
    assert load.failures(phases()) == load.failures(phases(end=235)) == []


@pytest.mark.parametrize(
    ("figures", "word"),
    [({"errors": 1}, "held: 1 errors"), ({"end": 237}, "memory grew"), ({"refused": 0}, "nothing was refused")],
)
def test_each_failure_is_told(figures: dict[str, Any], word: str) -> None:
    [failure] = load.failures(phases(**figures))
    assert word in failure


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_clients_that_stall_are_counted_apart_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "PATIENCE", 1.5)
    settings = ServerSettings(timeout=0.5, max_requests=6)
    with serving(create_app(echo(), settings)) as address:
        phase = asyncio.run(load.held(address, os.getpid(), 2, 3, "Il pleut.", 0, disturbing=1))
    assert set(phase.outcomes) == {"200"} and phase.summary(["200"])["errors"] == 0
    assert set(phase.disturbed) == {
        "stalls: HTTP/1.1 408 Request Timeout",
        "never_reads: broken off",
        "leaves: left",
        "leaves_in_the_middle: left",
    }
