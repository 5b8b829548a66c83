"""The fit of a calibration to held-out sentences of natural distribution, and its place in the label head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from certainty.calibration import NONE, Calibration
from certainty.labels import LABELS
from certainty.scoring import softmax

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.float64]

TEMPERATURE_SD = 0.5
"""Of the logarithm: a temperature between 0.6 and 1.6 is no surprise."""


def fit_calibration(logits: NDArray[np.floating], gold: NDArray[np.int64], with_bias: bool = True) -> Calibration:
    """Fit temperature and bias to the negative log-likelihood of held-out claims.

    It is the mode under a normal prior of the log-temperature (mean 0, standard deviation 0.5) and of each bias (0, 1):
    a few claims that are all right would send the temperature to 0, and every probability to 0 or 1.

    Args:
        logits: Raw label logits, shape (n, 4).
        gold: Label indices, shape (n,).
        with_bias: Whether to fit the bias too; else it is 0.
    """

    def loss(parameters: Array) -> float:
        bias = parameters[1:]
        prior = ((parameters[0] / TEMPERATURE_SD) ** 2 + (bias**2).sum()) / 2
        calibrated = logits / np.exp(parameters[0]) + (bias if with_bias else 0)
        return float(negative_log_likelihoods(calibrated, gold).mean() + prior / len(gold))

    best = minimize(loss, np.zeros(1 + len(LABELS) if with_bias else 1), method="L-BFGS-B")
    if not with_bias:
        return Calibration(float(np.exp(best.x[0])), NONE.bias)
    bias = best.x[1:] - best.x[1:].mean()
    return Calibration(float(np.exp(best.x[0])), tuple(bias.tolist()))


def choose_calibration(
    logits: NDArray[np.floating], gold: NDArray[np.int64], folds: int = 5, seed: int = 0
) -> Calibration:
    """Fit as much calibration as held-out claims call for: none, a temperature, or a temperature and a bias.

    By cross-validated negative log-likelihood, the simplest of them that is within one standard error of the best (the
    one-standard-error rule, Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, 7.10). A model
    of hard, enriched labels needs all of it; one of soft labels is calibrated already, and a fit would add noise.

    Args:
        logits: Raw label logits, shape (n, 4).
        gold: Label indices, shape (n,).
        folds: Parts of the cross-validation; fewer than two claims for each leave the logits as they are.
        seed: Seed of the folds.
    """
    if len(gold) < 2 * folds:
        return NONE
    fits: tuple[Callable[[NDArray[np.floating], NDArray[np.int64]], Calibration], ...] = (
        lambda _logits, _gold: NONE,
        lambda logits, gold: fit_calibration(logits, gold, with_bias=False),
        fit_calibration,
    )
    part = np.random.default_rng(seed).permutation(len(gold)) % folds
    losses = np.empty((len(fits), len(gold)))
    for fold in range(folds):
        fitted, held_out = part != fold, part == fold
        for row, fit in zip(losses, fits, strict=True):
            row[held_out] = negative_log_likelihoods(
                fit(logits[fitted], gold[fitted]).apply(logits[held_out]), gold[held_out]
            )
    worse = losses - losses[losses.mean(axis=1).argmin()]
    close = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(len(gold))
    return fits[int(close.argmax())](logits, gold)


def negative_log_likelihoods(logits: NDArray[np.floating], gold: NDArray[np.int64]) -> Array:
    """Return the negative log-likelihood of each claim, shape (n,), from logits (n, 4) and label indices (n,)."""
    return np.asarray(-np.log(softmax(logits)[np.arange(len(gold)), gold] + 1e-12))


def fold_into_head(classifier: nn.Module, calibration: Calibration) -> None:
    """Change the last linear layer with four outputs, so that plain transformers gives calibrated probabilities."""
    import torch
    from torch import nn

    heads = [m for m in classifier.modules() if isinstance(m, nn.Linear) and m.out_features == len(LABELS)]
    head = heads[-1]
    if head.bias is None:
        head.bias = nn.Parameter(torch.zeros(len(LABELS)))
    with torch.no_grad():
        head.weight /= calibration.temperature
        head.bias.copy_(head.bias / calibration.temperature + torch.tensor(calibration.bias, dtype=head.bias.dtype))


def best_threshold(
    probabilities: Array, score: Callable[[NDArray[np.bool_]], float], candidates: Sequence[float] | None = None
) -> float:
    """Return the threshold whose decisions `probabilities >= threshold` score highest; 0.5 among equals.

    Args:
        probabilities: Shape (n,).
        score: Gives the score of boolean decisions, shape (n,).
        candidates: Thresholds to try; 0.05 to 0.95 where none are given.
    """
    tried = candidates if candidates is not None else np.arange(0.05, 0.951, 0.025).tolist()
    return float(max(tried, key=lambda t: (score(probabilities >= t), -abs(t - 0.5))))
