"""Train on data that has been read: training → calibration on dev → thresholds → export → evaluation → model card."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import certainty
from certainty.calibration import Calibration
from certainty.engines.modeling import CertaintyModel
from certainty.evaluation import Evaluation, evaluate_splits
from certainty.evaluation.faithfulness import faithfulness
from certainty.evaluation.judging import judge as judge_scores
from certainty.evaluation.judging import predict_baselines
from certainty.evaluation.known import known, write_known
from certainty.finetuning.automatic import suited, warn_if_unlikely
from certainty.finetuning.averaging import Averages, best_average
from certainty.finetuning.calibration import choose_calibration, cross_calibrated, fold_into_head
from certainty.finetuning.cross_validation import out_of_fold_logits
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.dev_logits import DevSentences
from certainty.finetuning.export.onnx import export_onnx
from certainty.finetuning.fast_tokenizer import backend
from certainty.finetuning.integers import TYPICAL_SENTENCES, with_integers
from certainty.finetuning.model_card import write_model_card
from certainty.finetuning.origin import inherit_origin, read_origin
from certainty.finetuning.output import clear_drafts, named_write_errors, new_folder
from certainty.finetuning.precision import round_weights
from certainty.finetuning.processes import is_first
from certainty.finetuning.progress import quiet_transformers
from certainty.finetuning.provenance import provenance
from certainty.finetuning.random_states import random_states_kept
from certainty.finetuning.resume import checkpoints_of, claimed, identity, last_complete_checkpoint
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.setup import Setup, set_up
from certainty.finetuning.splits import warn_if_few
from certainty.finetuning.start import Start, find_start
from certainty.finetuning.thresholds import choose_thresholds, warn_of_rare_answers
from certainty.finetuning.trainer import CertaintyTrainer, check_finite
from certainty.finetuning.verdict import CROSS_VALIDATION, against_initial, no_better_than_baselines
from certainty.model_folder import HEADS, ModelSettings
from certainty.results import SentenceScore
from certainty.scoring import SentenceLogits
from certainty.settings_file import save_settings
from certainty.tokenising import SentenceTokenizer

logger = logging.getLogger(__name__)


@random_states_kept()
def train_and_write(
    data: FinetuningData, output: Path, settings: FinetuningSettings, *, resume: bool
) -> dict[str, Evaluation]:
    """Train on data that has been read, and write the model to its folder; see `certainty.finetuning.finetune`.

    Args:
        data: The data of the run.
        output: The folder of the model, which has been checked.
        settings: The settings as they were given.
        resume: Continue from the last checkpoint.

    Raises:
        CertaintyError: the settings, the starting model or the output cannot be used.
    """
    start = find_start(settings)
    read_origin(start.folder)  # raises its error before the first step
    warn_of_known(start, data)
    if not settings.pseudo_labels:
        warn_if_few(sum(s.label is not None for s in data.train), from_encoder=start.model is None)
    settings = suited(settings, start, len(data.train))
    warn_if_unlikely(settings, len(data.train))
    of_dev = None if data.folds else data.dev
    held_out = [*(data.test or ()), *data.contrast]
    checkpoints = checkpoints_of(output)
    run = identity(settings, data, start)
    if not is_first():
        with quiet_transformers():
            setup = set_up(settings, start, data.train, of_dev, checkpoints, held_out=held_out)
            _train(setup.trainer, checkpoints, resume)
        return {}
    with quiet_transformers(), named_write_errors(output), claimed(checkpoints, run, resume):
        clear_drafts(output)
        setup = set_up(settings, start, data.train, of_dev, checkpoints, held_out=held_out)
        before = start.model or ModelSettings(setup.max_length)
        warn_of_rare_answers(data.dev, setup.heads, before, "train" if data.folds else "dev")
        started = time.monotonic()
        _train(setup.trainer, checkpoints, resume)
        with new_folder(output) as folder:
            made, scores = write_model(folder, settings, start, data, setup, time.monotonic() - started)
            inherit_origin(start.folder, folder)
            write_known(folder, data.train, start.folder, () if data.folds else data.dev)
            evaluation = judge(folder, output.resolve().name, start, data, made, scores)
            made = with_comparison(made, folder, start, data, scores)
            save_settings(settings, folder / "settings.yaml")
            shown = {split: result.to_dict(text=False) for split, result in evaluation.items()}
            (folder / "evaluation.json").write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
            write_model_card(folder, output.resolve().name, settings, made, shown, str(output), start.license)
    for told in no_better_than_baselines(evaluation):
        logger.warning("%s", told)
    return evaluation


def warn_of_known(start: Start, data: FinetuningData) -> None:
    """Log a warning if the model to continue from was trained on sentences that will judge it."""
    judging = {CROSS_VALIDATION if data.folds else "dev": data.dev, "test": data.test or [], "contrast": data.contrast}
    for split, sentences in judging.items():
        if found := known(sentences, start.folder):
            logger.warning(
                "%s was trained on %d of the %d sentences of %s: figures on them are too good, its own most of all. "
                "Continue from a model that does not know them.",
                *(start.name, len(found), len(sentences), split),
            )


def _train(trainer: CertaintyTrainer, checkpoints: Path, resume: bool) -> None:
    last = last_complete_checkpoint(checkpoints) if resume else None
    if last is None:
        trainer.train()
    elif trainer.args.load_best_model_at_end and trainer.has_ended(last):
        trainer.restore_best(last)
    else:
        trainer.train(resume_from_checkpoint=str(last))


def write_model(
    folder: Path, settings: FinetuningSettings, start: Start, data: FinetuningData, setup: Setup, seconds: float
) -> tuple[ModelSettings, list[SentenceScore] | None]:
    """Calibrate the trained model, choose its thresholds and its engine, and write the files needed for scoring.

    Args:
        folder: An empty folder.
        settings: The fine-tuning settings.
        start: The encoder or model that the run started from.
        data: The data of the run.
        setup: The trainer, the tokenizer and the trained heads.
        seconds: Training time in seconds.

    Returns:
        The model settings, as written to `certainty.json`; and with folds, the score of each sentence of train by the
        model that was trained on the other folds.
    """
    split = "train, each scored by a model that was not trained on it," if data.folds else "dev"
    logger.info("Calibrating on %d sentences of %s and exporting the model.", len(data.dev), split)
    tokenizer, averages = setup.tokenizer, Averages(setup.trainer.trained_model(), settings, start)
    dev = DevSentences(
        data.dev,
        SentenceTokenizer(backend(tokenizer)),
        setup.max_length,
        tokenizer.pad_token_id,
        "train" if data.folds else "dev",
    )
    if data.folds:
        share, logits = out_of_fold_logits(settings, start, data, setup.heads, dev)
    else:
        share, logits = best_average(averages, dev)
    is_chosen = len(averages.shares) > 1
    if is_chosen:
        logger.info("Share of the initial weights, chosen by likelihood: %g.", share)
    model = round_weights(averages.at(share))
    raw = logits.label
    calibration = calibrate(model, dev, logits, settings.learning_rate)
    before = start.model or ModelSettings(setup.max_length)
    made = ModelSettings(
        max_length=setup.max_length,
        claim_threshold=before.claim_threshold,
        attributed_threshold=before.attributed_threshold,
        cue_threshold=before.cue_threshold,
        second_threshold=before.second_threshold,
        source_threshold=before.source_threshold,
        pad_token_id=tokenizer.pad_token_id,
        heads=[head for head in HEADS if head in {*start.heads, *setup.heads}],
        training={**provenance(settings, start, data, setup, calibration, share, is_chosen), "seconds": round(seconds)},
    )
    made = choose_thresholds(made, dev, logits, setup.heads)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    export_onnx(model, folder)
    typical = [
        list(row["input_ids"]) for row in setup.trainer.train_dataset.rows[: min(TYPICAL_SENTENCES, len(data.train))]
    ]
    # Without dev the engines are compared on sentences of train.
    made = with_integers(model, folder, typical, dev, made, may_be_default=not data.folds)
    made.save(folder)
    if not data.folds:
        return made, None
    logits.label = cross_calibrated(raw, dev.gold, np.array(data.folds))
    return made, dev.scores(logits, made)


def calibrate(model: CertaintyModel, dev: DevSentences, logits: SentenceLogits, learning_rate: float) -> Calibration:
    """Calibrate the label head and the logits of dev in place, and return the calibration.

    The weights are rounded afterwards to the 16-bit floats that are saved.

    Raises:
        CertaintyError: the weights are too large for 16-bit floats, because the learning rate was too high.
    """
    check_finite(logits.label, learning_rate)
    claims = dev.gold >= 0
    calibration = choose_calibration(logits.label[claims], dev.gold[claims])
    fold_into_head(model.classifier, calibration)
    round_weights(model)
    logits.label = calibration.apply(logits.label)
    return calibration


def judge(
    folder: Path,
    name: str,
    start: Start,
    data: FinetuningData,
    made: ModelSettings,
    scores: list[SentenceScore] | None = None,
) -> dict[str, Evaluation]:
    """Evaluate the finished model on dev, test and the held-out groups, as far as they exist.

    If the model has a cue head, faithfulness is measured on test, or on dev without a test set.

    Args:
        folder: The folder of the model.
        name: The name of the model.
        start: The encoder or model that the run started from.
        data: The data of the run.
        made: The model settings.
        scores: With folds, the scores that are evaluated instead of those of dev by the model.
    """
    splits = {"dev": None if scores else data.dev, "test": data.test, "contrast": data.contrast}
    given = {split: sentences for split, sentences in splits.items() if sentences}
    named = {CROSS_VALIDATION: data.train, **given} if scores else given
    logger.info("Evaluating on %s.", ", ".join(f"{len(sentences)} sentences of {s}" for s, sentences in named.items()))
    classifier = certainty.load(folder)
    evaluation = evaluate_splits(classifier, given, data.train, name=name, group_by=data.group_by) if given else {}
    if scores:
        baselines = predict_baselines(data.train, folds=data.folds)
        # The other folds are new to the models that gave scores.
        seen = {"trained_on": {name: len(known(data.train, start.folder))}}
        crossed = judge_scores({name: scores}, data.train, baselines, group_by=data.group_by, seen=seen)
        evaluation = {CROSS_VALIDATION: crossed, **evaluation}
    if "cue" in made.heads and (data.test or not scores):
        judged = "test" if data.test else "dev"
        cues = faithfulness(classifier, given[judged], name=name, group_by=data.group_by)
        evaluation[judged] = replace(evaluation[judged], faithfulness=cues)
    return evaluation


def with_comparison(
    made: ModelSettings, folder: Path, start: Start, data: FinetuningData, scores: list[SentenceScore] | None
) -> ModelSettings:
    """Compare the finished model with the one that it continues from, and record it in its settings.

    A model that was trained from an encoder is compared with the shipped one. The two are compared on test, without it
    on the folds, and without these on dev.

    Args:
        made: The model settings.
        folder: The folder of the model, in which they are saved again.
        start: The encoder or model that the run started from.
        data: The data of the run.
        scores: With folds, the scores of train.
    """
    if (rival := start.rival()) is None:
        logger.info("There is no shipped model to compare with; `certainty evaluate --model A B` compares any two.")
        return made
    split, sentences = ("test", data.test) if data.test else (CROSS_VALIDATION if scores else "dev", data.dev)
    logger.info("Comparing with %s on %d sentences of %s.", rival.name, len(sentences), split)
    texts = [sentence.text for sentence in sentences]
    new = scores if scores and not data.test else certainty.load(folder).score_sentences(texts)
    initial = certainty.load(rival.folder).score_sentences(texts)
    result = against_initial(
        *(split, new, initial, rival.name, sentences, data.group_by),
        in_train=data.in_train,
        in_dev=data.in_dev,
        known_to_initial={s.text for s in known(sentences, rival.folder)},
    )
    result["share_is_chosen"] = bool((made.training or {}).get("initial_share_chosen"))
    made = replace(made, training={**(made.training or {}), "against_initial": result})
    made.save(folder)
    return made
