"""The contenders: our engines, `transformers.pipeline` and rules, each in its own process, and a bare matrix product.

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
CAMEMBERT_1, CAMEMBERT_32 = "CamemBERT-base pipeline, batch 1", "CamemBERT-base pipeline, batch 32"
"""The same with a classifier of the shape of CamemBERT-base and random weights: only its time is meaningful."""
TFIDF, EDSNLP = "tf-idf", "EDS-NLP"
ENGINES = ("onnx", "onnx-int8", "torch")
GEMM_SIZE = 1024
WAKING = 64

Run = Callable[[Sequence[str]], list[str]]


def open_contender(name: str, model: str, threads: int) -> Run:
    """Return a function that labels sentences.

    Args:
        name: One of the names above.
        model: The model folder; for `TFIDF` the labelled file to train on. `EDSNLP` needs none.
        threads: Number of CPU threads.
    """
    if name == TFIDF:
        return _tfidf(model)
    if name == EDSNLP:
        return _edsnlp()
    if name in ENGINES:
        import certainty

        classifier = certainty.load(model, engine=name, threads=threads)  # type: ignore[arg-type]  # one of ENGINES
        # Of the four labels, as the pipeline answers, which does not know `no_claim`.
        return lambda texts: [
            max(score.probabilities, key=score.probabilities.__getitem__).value
            for score in classifier.score_sentences(texts)
        ]
    import torch
    from transformers import pipeline

    torch.set_num_threads(threads)
    given = _camembert_base(model) if name in (CAMEMBERT_1, CAMEMBERT_32) else {"model": model}
    pipe = pipeline("text-classification", **given, top_k=None, device="cpu")
    batch_size = int(name.split()[-1])

    def run(texts: Sequence[str]) -> list[str]:
        return [max(row, key=lambda r: r["score"])["label"] for row in pipe(list(texts), batch_size=batch_size)]

    return run


def _camembert_base(folder: str) -> dict[str, Any]:
    """Return a classifier with the shape of CamemBERT-base (https://arxiv.org/abs/1911.03894) and random weights.

    It has the tokenizer of the given model, so that all contenders read the same tokens.
    """
    from transformers import AutoTokenizer, CamembertConfig, CamembertForSequenceClassification

    config = CamembertConfig(
        vocab_size=32_005, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=514, type_vocab_size=1, num_labels=4,
    )  # fmt: skip
    return {
        "model": CamembertForSequenceClassification(config).eval(),
        "tokenizer": AutoTokenizer.from_pretrained(folder),
    }


def _tfidf(train: str) -> Run:
    """Train the tf-idf baseline of the evaluation report."""
    from certainty.evaluation.baselines import TfidfBaseline
    from certainty.labelled import read_labelled
    from certainty.labels import LABELS

    baseline = TfidfBaseline().fit(read_labelled(train))
    return lambda texts: [LABELS[i].value for i in baseline.predict_proba(texts).argmax(axis=1)]


def _edsnlp() -> Run:
    """Label by the rules of EDS-NLP (https://github.com/aphp/edsnlp), designed for French clinical notes.

    A sentence is probable if they call any word a hypothesis, else denied if any word is negated, else asserted.
    """
    import edsnlp

    nlp = edsnlp.blank("eds")
    nlp.add_pipe("eds.normalizer")
    nlp.add_pipe("eds.sentences")
    for name in ("eds.hypothesis", "eds.negation"):
        nlp.add_pipe(name, config={"on_ents_only": False})

    def label(text: str) -> str:
        words = list(nlp(text))
        if any(word._.hypothesis for word in words):
            return "probable"
        return "denied" if any(word._.negation for word in words) else "asserted"

    return lambda texts: [label(text) for text in texts]


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
        name, model: As for `open_contender`.
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
        return self.costs(texts)[0]

    def costs(self, texts: Sequence[str]) -> tuple[float, float]:
        """Return the time of a run as `seconds` does, and the processor time that all its threads took, in seconds."""
        wall, processor = self._ask("costs", texts)
        return float(wall), float(processor)

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
        "costs": lambda texts: (run(texts[:WAKING]), _costs(lambda: run(texts)))[1],
        "each": lambda texts: [_seconds(partial(run, [text])) for text in texts],
        "peak": lambda _: peak_mib(),
    }
    while True:
        try:
            question, texts = connection.recv()
        except EOFError:
            return
        connection.send(answers[question](texts))


def _costs(run: Callable[[], object]) -> tuple[float, float]:
    started = time.process_time()
    return _seconds(run), time.process_time() - started


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
