"""Train a model for each fold and score the sentences that it was not trained on."""

from __future__ import annotations

import logging

from certainty.finetuning.averaging import Averages, choose_share
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.dev_logits import DevSentences, runner
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.setup import set_up
from certainty.finetuning.start import Start
from certainty.finetuning.trainer import check_finite
from certainty.scoring import SentenceLogits

__all__ = ["out_of_fold_logits"]

logger = logging.getLogger(__name__)


def out_of_fold_logits(
    settings: FinetuningSettings, start: Start, data: FinetuningData, heads: tuple[str, ...], dev: DevSentences
) -> tuple[float, SentenceLogits]:
    """Return the share of the initial weights, and the logits of the training sentences.

    Each sentence is scored by a model that was trained on the other folds; the share is the best for all.

    Args:
        settings: The fine-tuning settings, with which each of these models is trained.
        start: The encoder or model that each of them starts from.
        data: The data, with folds.
        heads: The heads to train besides the label head.
        dev: The sentences of train.
    """
    folds = data.folds or []
    logits: dict[float, SentenceLogits] = {}
    for fold in sorted(set(folds)):
        own = [i for i, of in enumerate(folds) if of == fold]
        logger.info("Fold %d of %d.", fold + 1, len(set(folds)))
        others = [s for s, of in zip(data.train, folds, strict=True) if of != fold]
        held_out = [*(data.train[i] for i in own), *(data.test or ())]
        setup = set_up(settings, start, others, None, None, held_out=held_out, heads=heads)
        setup.trainer.train()
        averages = Averages(setup.trainer.trained_model(), settings, start)
        for share in averages.shares:
            dev.add(logits.setdefault(share, dev.no_logits()), own, runner(averages.at(share)))
    for of_share in logits.values():
        check_finite(of_share.label, settings.learning_rate)
    share = choose_share({share: of_share.label for share, of_share in logits.items()}, dev.gold)
    return share, logits[share]
