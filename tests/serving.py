"""A server on a free port, in a thread of the tests, and what it needs of a model."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import certainty
from certainty.server.process import DrainingServer, address_of, listen


class _Echo:
    def score_split(self, texts: Sequence[str], split: object) -> list[certainty.Document]:
        return [certainty.Document(text, ()) for text in texts]


def echo() -> certainty.CertaintyClassifier:
    """Return a classifier that gives each text back without sentences."""
    return cast(certainty.CertaintyClassifier, _Echo())


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Yield the address of an app that is served."""
    server = DrainingServer(app)
    with listen("127.0.0.1", 0) as bound:
        address = address_of(bound)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def metric_in(page: str, name: str) -> float:
    """Return a metric, named with its labels, from the text of `/metrics`; 0 if it is not there."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0
