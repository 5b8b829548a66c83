"""The contenders: our engines and `transformers.pipeline`, each in its own process, and a bare matrix product.

The processes stay open and take turns, so that a slow phase of the machine affects all alike, none runs while another
is timed, and each has its own peak memory.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from benchmarks.record import peak_mib

PIPELINE_1, PIPELINE_32 = "pipeline, batch 1", "pipeline, batch 32"
ENGINES = ("onnx", "onnx-int8", "torch")
GEMM_SIZE = 1024
WAKING = 64

Run = Callable[[Sequence[str]], list[str]]


def open_contender(name: str, model: str, threads: int) -> Run:
    """Return a function that labels sentences, with one of our engines or with the pipeline and a batch size."""
    if name in ENGINES:
        import certainty

        classifier = certainty.load(model, engine=name, threads=threads)  # type: ignore[arg-type]  # one of ENGINES
        return lambda texts: [score.label.value for score in classifier.score_sentences(texts)]
    import torch
    from transformers import pipeline

    torch.set_num_threads(threads)
    pipe = pipeline("text-classification", model=model, top_k=None, device="cpu")
    batch_size = int(name.split()[-1])

    def run(texts: Sequence[str]) -> list[str]:
        return [max(row, key=lambda r: r["score"])["label"] for row in pipe(list(texts), batch_size=batch_size)]

    return run


def gemm_rate(threads: int, rounds: int = 20) -> float:
    """Return the best rate of a product of 32-bit float matrices, in FLOP/s, as the limit of the processor."""
    import torch

    torch.set_num_threads(threads)
    a, b = torch.randn(GEMM_SIZE, GEMM_SIZE), torch.randn(GEMM_SIZE, GEMM_SIZE)
    best = min(_seconds(lambda: torch.mm(a, b)) for _ in range(rounds))
    return float(2 * GEMM_SIZE**3 / best)


def nominal_flop(model: str, lengths: Sequence[int]) -> float:
    """Return the floating-point operations of the encoder's matrix products and attention, without those on padding."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(model)
    hidden, layers = config.hidden_size, config.num_hidden_layers
    token = 2 * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    return float(sum(layers * (n * token + 4 * n * n * hidden) for n in lengths))


class Contender:
    """A contender that runs in its own process.

    Args:
        name: One of `ENGINES`, or "pipeline, batch N".
        model: The model folder.
        threads: Number of CPU threads.
    """

    def __init__(self, name: str, model: str, threads: int) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, name, model, threads), daemon=True)
        self._process.start()

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.join()

    def labels(self, texts: Sequence[str]) -> list[str]:
        """Return the labels of sentences. The first call also warms up the contender."""
        return list(self._ask("labels", texts))

    def seconds(self, texts: Sequence[str]) -> float:
        """Return the time of a run over the sentences, after an untimed run over the first `WAKING` of them."""
        return float(self._ask("seconds", texts))

    def each(self, texts: Sequence[str]) -> list[float]:
        """Return the time of each sentence, scored alone, in seconds."""
        return list(self._ask("each", texts))

    def peak_mib(self) -> float:
        """Return the peak resident memory of the process."""
        return float(self._ask("peak", ()))

    def _ask(self, question: str, texts: Sequence[str]) -> Any:
        self._connection.send((question, list(texts)))
        answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def ratio(baseline: Sequence[float], times: Sequence[float]) -> float:
    """Return the speed-up over a baseline: the median over the rounds of the ratio of their times."""
    return statistics.median(b / t for b, t in zip(baseline, times, strict=True))


def _serve(connection: Connection, name: str, model: str, threads: int) -> None:
    try:
        run = open_contender(name, model, threads)
    except Exception as error:  # sent to the parent, which raises it
        connection.recv()
        connection.send(error)
        return
    answers: dict[str, Callable[[list[str]], Any]] = {
        "labels": run,
        "seconds": lambda texts: (run(texts[:WAKING]), _seconds(lambda: run(texts)))[1],
        "each": lambda texts: [_seconds(partial(run, [text])) for text in texts],
        "peak": lambda _: peak_mib(),
    }
    while True:
        try:
            question, texts = connection.recv()
        except EOFError:
            return
        connection.send(answers[question](texts))


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
