"""The metrics of the server, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The metrics of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("certainty_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "certainty_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.sentences = Counter("certainty_sentences", "Sentences scored.", registry=self.registry)
        self.batch_texts = Histogram(
            "certainty_batch_texts", "Texts scored together.", buckets=_TEXTS, registry=self.registry
        )
        self._queue = Gauge("certainty_queue_texts", "Texts that wait to be scored.", registry=self.registry)
        self._under_way = Gauge(
            "certainty_requests_under_way", "POST requests that are not answered yet.", registry=self.registry
        )

    def watch(self, queue: Callable[[], int], under_way: Callable[[], int]) -> None:
        """Let the gauges read their values from these functions."""
        self._queue.set_function(queue)
        self._under_way.set_function(under_way)

    def render(self) -> bytes:
        """Return all values in Prometheus' text format."""
        return generate_latest(self.registry)
