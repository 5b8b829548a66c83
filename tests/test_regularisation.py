"""The regularisers of fine-tuning: each does what it says, and none leaves a trace when it is off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import DATA

from certainty import CertaintyError, Label
from certainty.labelled import LabelledSentence, read_labelled
from training.fast_tokenizer import backend, load_tokenizer
from training.features import IGNORED, SentenceFeatures
from training.finetune import set_up
from training.regularisation import (
    NO_GROUP,
    WholeGroupSampler,
    WordMasking,
    agreement_penalty,
    group_numbers,
    mask_token,
    masked_copies,
    symmetric_divergence,
)
from training.settings import FinetuningSettings
from training.trainer import CertaintyTrainer, last_complete_checkpoint

FOUR = [
    LabelledSentence("Le barrage sera rénové en mars.", Label.ASSERTED, cues=(), group=1),
    LabelledSentence("Le barrage sera sans doute rénové.", Label.PROBABLE, cues=((16, 26),), group=1),
    LabelledSentence("À mon avis, il faut rénover le barrage.", Label.PERSONAL_OPINION, cues=((0, 10),), group=1),
    LabelledSentence("Le barrage ne sera pas rénové.", Label.DENIED, cues=((11, 13), (19, 22)), group=1),
]
TRAIN = [
    *FOUR,
    *(LabelledSentence(f"Le pont {n} est fermé.", Label.ASSERTED, cues=()) for n in range(6)),
    LabelledSentence("Quel beau pont !", None, claim=False),
]


def trainer(encoder: Path, folder: Path, **changes: Any) -> CertaintyTrainer:
    settings = FinetuningSettings(
        encoder=str(encoder), epochs=2, batch_size=4, learning_rate=0.003, bf16=False, **changes
    )
    return set_up(settings, TRAIN, read_labelled(DATA / "tiny_dev.jsonl")[:8], folder)[0]


def weights(made: CertaintyTrainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in made.model.parameters()])


@pytest.fixture(scope="module")
def plain(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> torch.Tensor:
    made = trainer(tiny_encoder, tmp_path_factory.mktemp("plain"))
    made.train()
    return weights(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"r_drop": 1.0},
        {"adversarial": 1.0},
        {"weight_average": 0.9},
        {"contrast_weight": 1.0},
        {"cue_masking": 1.0},
        {"word_masking": 0.3},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_changes_what_is_learned(
    tiny_encoder: Path, tmp_path: Path, plain: torch.Tensor, changes: dict[str, float]
) -> None:
    made = trainer(tiny_encoder, tmp_path, **changes)
    made.train()
    assert torch.isfinite(weights(made)).all() and not torch.equal(weights(made), plain)
    assert 0 <= made.best_macro_f1 <= 1


def test_off_leaves_no_trace(tiny_encoder: Path, tmp_path: Path, plain: torch.Tensor) -> None:
    off = dict.fromkeys(
        ("r_drop", "adversarial", "weight_average", "contrast_weight", "cue_masking", "word_masking"), 0.0
    )
    made = trainer(tiny_encoder, tmp_path, **off)
    made.train()
    assert torch.equal(weights(made), plain)


def test_the_divergence_is_symmetric_and_of_claims_alone() -> None:
    first, second = torch.tensor([[2.0, 0, 0, 0], [9.0, 0, 0, 0]]), torch.tensor([[0.0, 1, 0, 0], [0.0, 0, 0, 9]])
    claim = torch.tensor([1.0, 0.0])
    p, q = first[0].softmax(0), second[0].softmax(0)
    expected = float((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2
    assert float(symmetric_divergence(first, second, claim)) == pytest.approx(expected, rel=1e-5)
    assert float(symmetric_divergence(second, first, claim)) == pytest.approx(expected, rel=1e-5)
    assert float(symmetric_divergence(first, first, claim)) == 0
    assert float(symmetric_divergence(first, second, torch.zeros(2))) == 0


def test_only_sentences_of_one_group_with_different_labels_must_disagree() -> None:
    logits = torch.zeros(4, 4, requires_grad=True)
    targets = torch.eye(4)[[0, 1, 0, 2]]
    groups = torch.tensor([5, 5, 5, 6])
    penalty = agreement_penalty(logits, targets, groups)
    assert float(penalty.detach()) == pytest.approx(-math.log(1 - 1 / 4)), "two pairs, (0, 1) and (1, 2)"
    certain = 20 * targets
    assert float(agreement_penalty(certain, targets, groups)) == pytest.approx(0, abs=1e-5)
    for none in (torch.full((4,), NO_GROUP), torch.arange(4)):
        assert float(agreement_penalty(logits, targets, none).detach()) == 0
    no_claim = targets.clone()
    no_claim[1] = 0
    assert float(agreement_penalty(logits, no_claim, groups).detach()) == 0
    same = torch.full((4, 4), 0.0)
    same[:, 0] = 100
    assert torch.isfinite(agreement_penalty(same, targets, groups))


@pytest.mark.parametrize("accumulation", [1, 2])
def test_the_adversarial_step_doubles_the_passes_and_puts_the_embeddings_back(
    tiny_encoder: Path, tmp_path: Path, accumulation: int
) -> None:
    made = trainer(tiny_encoder, tmp_path, adversarial=2.0, gradient_accumulation=accumulation)
    made.create_optimizer()
    made.current_gradient_accumulation_steps = accumulation
    embeddings = made.model.classifier.get_input_embeddings()
    before, seen = embeddings.weight.detach().clone(), []
    plain_loss = made.compute_loss

    def compute_loss(*args: Any, **options: Any) -> Any:
        seen.append(float((embeddings.weight.detach() - before).norm()))
        return plain_loss(*args, **options)

    made.compute_loss = compute_loss
    for batch in list(made.get_train_dataloader())[:2]:
        made.training_step(made.model, batch)
    assert seen == pytest.approx([0, 2, 0, 2], rel=1e-3)
    assert torch.equal(embeddings.weight, before)


def test_the_average_is_judged_and_kept(tiny_encoder: Path, tmp_path: Path) -> None:
    made = trainer(tiny_encoder, tmp_path, weight_average=0.5, evaluations_per_epoch=1)
    lived: list[torch.Tensor] = []
    judged: list[torch.Tensor] = []
    update, loop = made.average.update_parameters, made.evaluation_loop

    def update_parameters(model: torch.nn.Module) -> None:
        lived.append(weights(made))
        update(model)

    def evaluation_loop(*args: Any, **options: Any) -> Any:
        judged.append(weights(made))
        return loop(*args, **options)

    made.average.update_parameters, made.evaluation_loop = update_parameters, evaluation_loop
    made.train()
    averages = [lived[0]]
    for live in lived[1:]:
        averages.append(averages[-1] + (live - averages[-1]) * 0.5)
    per_epoch = len(lived) // 2
    for found, wanted in zip(judged, averages[per_epoch - 1 :: per_epoch], strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    assert any(torch.equal(weights(made), found) for found in judged), "the finished model is one that was judged"
    assert made.evaluate()["eval_nll"] == pytest.approx(made.state.best_metric)


def test_a_resumed_run_ends_like_an_unbroken_one(tiny_encoder: Path, tmp_path: Path) -> None:
    changes = {"weight_average": 0.8, "word_masking": 0.3, "r_drop": 0.5, "adversarial": 1.0, "contrast_weight": 1.0}
    unbroken = trainer(tiny_encoder, tmp_path / "a", **changes)
    unbroken.train()
    made = trainer(tiny_encoder, tmp_path / "b", **changes)
    save = made._save_checkpoint

    def save_and_die(*args: Any) -> None:
        save(*args)
        raise KeyboardInterrupt

    made._save_checkpoint = save_and_die
    with pytest.raises(KeyboardInterrupt):
        made.train()
    resumed = trainer(tiny_encoder, tmp_path / "b", **changes)
    resumed.train(resume_from_checkpoint=str(last_complete_checkpoint(tmp_path / "b")))
    assert torch.equal(weights(resumed), weights(unbroken))
    assert torch.equal(
        torch.cat([p.flatten() for p in resumed.average.module.parameters()]),
        torch.cat([p.flatten() for p in unbroken.average.module.parameters()]),
    )


def test_a_run_begun_without_the_average_cannot_go_on_with_it(tiny_encoder: Path, tmp_path: Path) -> None:
    trainer(tiny_encoder, tmp_path).train()
    with pytest.raises(CertaintyError, match="begun without weight_average"):
        trainer(tiny_encoder, tmp_path, weight_average=0.9).train(
            resume_from_checkpoint=str(last_complete_checkpoint(tmp_path))
        )


def _batches(rows: Sequence[int], size: int) -> list[list[int]]:
    return [list(rows[i : i + size]) for i in range(0, len(rows), size)]


def test_a_group_comes_in_one_batch() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 60, 1001).tolist()
    groups = [i // 4 if i < 300 else NO_GROUP for i in range(1001)]
    shuffled = rng.permutation(groups).tolist()
    sampler = WholeGroupSampler(lengths, 10, 1, shuffled)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert list(sampler) == first != second
    for rows in (first, second):
        assert sorted(rows) == list(range(1001))
        for batch in _batches(rows, 10):
            for group in {shuffled[row] for row in batch} - {NO_GROUP}:
                assert sum(shuffled[row] == group for row in batch) == 4
    assert np.mean([np.ptp([lengths[i] for i in batch]) for batch in _batches(first, 10)]) < 25


def test_groups_that_cannot_stay_whole_lose_no_row() -> None:
    groups = [1] * 7 + [2] * 3 + [3] * 3
    assert sorted(WholeGroupSampler([5] * 13, 4, 1, groups)) == list(range(13))


def test_a_repeated_group_is_another_group() -> None:
    one, two, alone = {"group": 7}, {"group": 7}, {}
    assert group_numbers([one, two, alone, one, two, alone]) == [0, 0, NO_GROUP, 1, 1, NO_GROUP]


def test_copies_without_cues(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder))
    rows = SentenceFeatures(TRAIN, backend(tokenizer), 64).rows
    mask = mask_token(tokenizer)
    copies = masked_copies(rows, TRAIN, mask, 1.0, 1)
    assert len(copies) == 3, "one for each sentence with a cue"
    for row, copy in zip(rows[1:4], copies, strict=True):
        is_cue = row["cue"] == 1.0
        assert np.array_equal(np.array(copy["input_ids"]) == mask, is_cue)
        assert np.array_equal(np.array(copy["input_ids"])[~is_cue], np.array(row["input_ids"])[~is_cue])
        assert mask not in row["input_ids"], "the sentence itself stays"
        np.testing.assert_allclose(copy["labels"], [0.7, 0.1, 0.1, 0.1], rtol=1e-6)
        assert copy["claim"] == IGNORED and copy["attributed"] == IGNORED and (copy["cue"] == IGNORED).all()
    assert masked_copies(rows, TRAIN, mask, 0.0, 1) == []
    many, repeated = rows * 50, TRAIN * 50
    assert 40 < len(masked_copies(many, repeated, mask, 0.5, 1)) < 110


def test_masks_spare_cues_and_special_tokens() -> None:
    torch.manual_seed(0)
    ids = torch.full((200, 10), 50)
    ids[:, 0], ids[:, -1] = 0, 2
    cue = torch.zeros(200, 10)
    cue[:, [0, -1]], cue[:, 3] = IGNORED, 1.0
    masking = WordMasking(0.3, 4, (0, 1, 2, 3, 4))
    batch = {"input_ids": ids, "cue": cue, "claim": torch.ones(200)}
    masked = masking(batch)["input_ids"]
    assert (ids == 50).sum() == 1600, "the batch itself stays"
    assert torch.equal(masked[:, [0, 3, -1]], ids[:, [0, 3, -1]])
    assert (masked == 4).float().mean() * 10 / 7 == pytest.approx(0.3, abs=0.05)
    torch.manual_seed(0)
    assert torch.equal(masking(batch)["input_ids"], masked)


def test_an_encoder_without_a_mask_token(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder))
    tokenizer.mask_token = None
    with pytest.raises(CertaintyError, match="its tokenizer has no mask token; set cue_masking and word_masking to 0"):
        mask_token(tokenizer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r_drop": -1.0}, r"r_drop is -1.0; it must be 0 or above"),
        ({"adversarial": math.nan}, "adversarial is nan"),
        ({"weight_average": 1.0}, r"weight_average is 1.0; it must lie in \[0, 1\)"),
        ({"cue_masking": 1.1}, r"cue_masking is 1.1; it must lie in \[0, 1\]"),
        ({"r_drop": 0.5, "dropout": 0.0}, "two passes are alike; set a dropout above 0"),
    ],
)
def test_wrong_settings(changes: dict[str, float], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        FinetuningSettings(**changes)  # type: ignore[arg-type]
