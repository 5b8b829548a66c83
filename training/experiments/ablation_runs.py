"""Execute the fine-tuning runs of an ablation, in one or several processes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from certainty.evaluation import metrics
from certainty.finetuning.calibration import fit_calibration
from certainty.finetuning.fast_tokenizer import backend
from certainty.finetuning.features import SentenceFeatures
from certainty.finetuning.settings import FinetuningSettings
from certainty.labelled import LabelledSentence, digest
from certainty.labels import LABELS
from certainty.scoring import softmax
from certainty.tokenising import SentenceTokenizer
from training.experiments.trials import trained


@dataclass(frozen=True)
class Run:
    """A fine-tuning run, which can be sent to another process.

    Attributes:
        variant: Name of the variant.
        settings: The settings, including the seed.
        train: Training sentences.
        dev: Sentences for choosing the checkpoint, calibrating and scoring.
        contrast: Sentences of the held-out groups.
    """

    variant: str
    settings: FinetuningSettings
    train: list[LabelledSentence]
    dev: list[LabelledSentence]
    contrast: list[LabelledSentence]

    @property
    def key(self) -> str:
        """A digest of variant, settings and sentences that identifies the run."""
        changed = self.settings.model_dump(exclude_defaults=True)
        parts = [self.variant, json.dumps(changed, sort_keys=True), *map(digest, (self.train, self.dev, self.contrast))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def run_once(run: Run) -> dict[str, Any]:
    """Fine-tune once and return the metrics of the best checkpoint.

    Returns:
        `variant`, `seed` and `key`; the dev `macro_f1` and, after calibration on dev, `ece` and `brier`;
        `contrast_accuracy` and `whole_quadruples` (None without held-out groups); `steps`, and the `seconds` taken by
        set-up and training.
    """
    started = time.monotonic()
    with trained(run.settings, run.train, run.dev) as setup:
        seconds = time.monotonic() - started
        trainer = setup.trainer
        trainer.compute_metrics = None

        def logits(sentences: Sequence[LabelledSentence], features: SentenceFeatures) -> tuple[Any, Any]:
            claims = [i for i, s in enumerate(sentences) if s.label]
            gold = np.array([LABELS.index(s.label) for s in sentences if s.label])
            return trainer.predict(features).predictions[claims], gold

        dev_logits, gold = logits(run.dev, trainer.eval_dataset)
        calibration = fit_calibration(dev_logits, gold)
        probabilities = softmax(calibration.apply(dev_logits))
        right = None
        if run.contrast:
            features = SentenceFeatures(run.contrast, SentenceTokenizer(backend(setup.tokenizer)), setup.max_length)
            contrast_logits, contrast_gold = logits(run.contrast, features)
            right = calibration.apply(contrast_logits).argmax(axis=1) == contrast_gold
    groups = np.array([s.group for s in run.contrast if s.label])
    return {
        "variant": run.variant,
        "seed": run.settings.seed,
        "key": run.key,
        "macro_f1": trainer.best_macro_f1,
        "contrast_accuracy": None if right is None else float(right.mean()),
        "whole_quadruples": None if right is None else float(np.mean([right[groups == g].all() for g in set(groups)])),
        "ece": float(metrics.expected_calibration_error(gold, probabilities)),
        "brier": float(metrics.brier_score(gold, probabilities)),
        "steps": trainer.state.global_step,
        "seconds": round(seconds, 1),
    }


def results(runs: Sequence[Run], jobs: int = 1, cpu: bool = False) -> Iterator[dict[str, Any]]:
    """Execute the runs and yield each result as soon as it is available.

    Args:
        runs: The runs.
        jobs: Number of processes to use. If above 1, each uses one torch thread.
        cpu: If True, do not use GPUs.
    """
    if jobs == 1 and not cpu:
        yield from map(run_once, runs)
        return
    environment = {"CUDA_VISIBLE_DEVICES": ""} if cpu else {}
    if jobs > 1:
        environment |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    spawn = multiprocessing.get_context("spawn")
    # The processes start when runs are submitted, and read the environment before they import torch.
    with _environment(environment), ProcessPoolExecutor(jobs, spawn, _set_threads, (jobs,)) as pool:
        futures = [pool.submit(run_once, run) for run in runs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _set_threads(jobs: int) -> None:
    if jobs > 1:
        torch.set_num_threads(1)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
