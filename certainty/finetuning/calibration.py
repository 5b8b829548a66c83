"""Fit a calibration to held-out sentences of the natural distribution and fold it into the label head."""

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
"""Standard deviation of the prior on the log-temperature; one deviation spans temperatures from 0.6 to 1.6."""
LEAST_CLAIMS = 100
"""Fewer held-out claims justify no calibration."""


def fit_calibration(logits: NDArray[np.floating], gold: NDArray[np.int64], with_bias: bool = True) -> Calibration:
    """Fit a temperature and a bias for each label to held-out claims.

    The fit maximises the posterior under normal priors: mean 0 and standard deviation 0.5 for the log-temperature,
    mean 0 and standard deviation 1 for each bias. Without them, a small set of claims that are all classified correctly
    would drive the temperature to 0 and every probability to 0 or 1. The fitted biases are shifted to a mean of 0.

    Args:
        logits: Raw label logits, shape (n, 4).
        gold: Label indices, shape (n,).
        with_bias: Whether to fit the bias as well; if false, it is 0.
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
    """Fit as much calibration as the held-out claims justify: none, a temperature, or a temperature and a bias.

    Candidates are compared by cross-validated negative log-likelihood; the simplest one within one standard error of
    the best is chosen (the one-standard-error rule; Hastie, Tibshirani and Friedman 2009, The Elements of Statistical
    Learning, 7.10). A model trained on hard labels with enriched classes needs both parts; one trained on soft labels
    is already calibrated, and a fit would only add noise. If the model classifies every claim correctly, nothing is
    fitted either: a lower temperature would always look better, and only the prior would limit it. With fewer than
    `LEAST_CLAIMS` claims, chance decides more than the logits do: fitted to 36 claims of four documents, the
    calibration error on others rose from 0.02 to 0.09.

    Args:
        logits: Raw label logits, shape (n, 4).
        gold: Label indices, shape (n,).
        folds: Number of cross-validation folds.
        seed: Seed for assigning claims to folds.
    """
    if len(gold) < LEAST_CLAIMS or (logits.argmax(axis=1) == gold).all():
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


def cross_calibrated(
    logits: NDArray[np.floating], gold: NDArray[np.int64], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Calibrate the logits of each fold with the calibration that the others justify.

    Args:
        logits: Raw label logits, shape (n, 4).
        gold: Label indices, shape (n,); -1 for sentences without a claim.
        folds: Fold of each sentence, shape (n,).
    """
    result = np.array(logits, dtype=np.float64)
    for fold in np.unique(folds):
        fitted = (folds != fold) & (gold >= 0)
        result[folds == fold] = choose_calibration(logits[fitted], gold[fitted]).apply(logits[folds == fold])
    return result


def negative_log_likelihoods(logits: NDArray[np.floating], gold: NDArray[np.int64]) -> Array:
    """Return the negative log-likelihood of each claim, shape (n,), from logits (n, 4) and label indices (n,)."""
    return np.asarray(-np.log(softmax(logits)[np.arange(len(gold)), gold] + 1e-12))


def fold_into_head(classifier: nn.Module, calibration: Calibration) -> None:
    """Fold the calibration into the last linear layer with four outputs, in place.

    Plain transformers then returns calibrated probabilities.
    """
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
    """Return the threshold whose decisions `probabilities >= threshold` score highest.

    Ties go to the threshold nearest to 0.5.

    Args:
        probabilities: Shape (n,).
        score: Function that scores boolean decisions of shape (n,).
        candidates: Thresholds to try; defaults to 0.05 to 0.95 in steps of 0.025.
    """
    tried = candidates if candidates is not None else np.arange(0.05, 0.951, 0.025).round(3).tolist()
    return float(max(tried, key=lambda t: (score(probabilities >= t), -abs(t - 0.5))))
