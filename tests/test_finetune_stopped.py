"""What is left, and what may go on, if a fine-tuning is stopped, cannot write, or diverges."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from checkpoints import write_checkpoint
from conftest import DATA
from safetensors.torch import load_file, save_file
from test_finetune import arguments
from tokenizers import Tokenizer
from transformers import TrainerState

from certainty import CertaintyError
from certainty.cli import main
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.output import clear_drafts, named_write_errors
from certainty.finetuning.resume import claimed, last_complete_checkpoint
from certainty.finetuning.setup import Setup
from certainty.model_folder import ModelSettings

QUICK = "evaluations_per_epoch: 1\nbatch_size: 16\nbf16: false\n"


def test_a_run_stopped_by_sigterm_after_its_early_stop_is_resumed_without_more_training(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, config = tmp_path / "mine", tmp_path / "config.yaml"
    # At this rate the weights do not change, so the second evaluation is not better than the first.
    config.write_text(QUICK + "epochs: 4\npatience: 1\nlearning_rate: 1.0e-20\n")
    settings = ["--initial", tiny_model, "--config", config]
    with monkeypatch.context() as patch:
        patch.setattr("certainty.finetuning.pipeline.judge", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit) as stopped:
            main(arguments(folder, *settings))
    assert stopped.value.code == 143
    assert capsys.readouterr().err.endswith(f"interrupted: {folder} was not written.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine.checkpoints"]
    last = max(int(path.name.split("-")[1]) for path in (tmp_path / "mine.checkpoints").glob("checkpoint-*"))
    assert main(arguments(folder, *settings, "--resume")) == 0
    training = ModelSettings.load(folder).training or {}
    assert (training["steps"], training["best_step"]) == (last, last // 2)


@pytest.mark.parametrize("stopped_after", [6, 10])  # at the fifth evaluation, training stops early
def test_a_run_that_was_moved_ends_with_its_best_checkpoint(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int
) -> None:
    config = tmp_path / "config.yaml"
    # At this rate the first evaluation, after step 2, is the best.
    config.write_text("epochs: 3\nevaluations_per_epoch: 2\nbatch_size: 16\nbf16: false\nlearning_rate: 0.3\n")
    settings = ["--encoder", tiny_encoder, "--config", config]
    trained: list[dict[str, torch.Tensor]] = []

    def on_step_begin(_: object, args: object, state: TrainerState, *__: object, **___: object) -> None:
        if state.global_step == stopped_after:
            raise KeyboardInterrupt

    def write_model(*given: object) -> None:
        trained.extend(setup.trainer.trained_model().state_dict() for setup in given if isinstance(setup, Setup))
        raise KeyboardInterrupt

    monkeypatch.setattr("certainty.finetuning.pipeline.write_model", write_model)
    with monkeypatch.context() as patch:
        patch.setattr("certainty.finetuning.progress.TrainingProgress.on_step_begin", on_step_begin)
        assert main(arguments(tmp_path / "before" / "mine", *settings)) == 130
    (tmp_path / "before").rename(tmp_path / "after")
    assert main(arguments(tmp_path / "after" / "mine", *settings, "--resume")) == 130
    checkpoints = tmp_path / "after" / "mine.checkpoints"
    assert sorted(path.name for path in checkpoints.glob("checkpoint-*")) == ["checkpoint-10", "checkpoint-2"]
    best = load_file(checkpoints / "checkpoint-2" / "model.safetensors")
    assert all(torch.equal(trained[-1][name], tensor) for name, tensor in best.items())


def test_the_random_states_of_the_caller_are_as_before(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn() -> list[float]:
        return [random.random(), float(np.random.random()), float(torch.rand(1))]

    transformers.set_seed(5)
    expected = drawn()
    transformers.set_seed(5)
    seeded: list[float] = []

    def write_model(*_: object) -> None:
        seeded.extend(drawn())
        raise KeyboardInterrupt

    monkeypatch.setattr("certainty.finetuning.pipeline.write_model", write_model)
    settings = FinetuningSettings(initial=str(tiny_model), epochs=1, batch_size=16, bf16=False)
    with pytest.raises(KeyboardInterrupt):
        finetune(DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl", tmp_path / "mine", settings)
    assert seeded and not set(seeded) & set(expected)
    assert drawn() == expected


def test_two_runs_do_not_share_checkpoints(tmp_path: Path) -> None:
    folder = tmp_path / "mine.checkpoints"
    with claimed(folder, {"seed": 1}, resume=False):
        (folder / "checkpoint-1").mkdir()
        for resume in (True, False):
            told = pytest.raises(CertaintyError, match="another process is using it; wait until that run has ended")
            with told, claimed(folder, {"seed": 1}, resume):
                pass
        assert (folder / "checkpoint-1").is_dir()
    assert not folder.exists()


def test_checkpoints_are_kept_for_resuming_only_if_one_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "mine.checkpoints"
    with pytest.raises(KeyboardInterrupt), claimed(folder, {}, resume=False):
        raise KeyboardInterrupt
    assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), claimed(folder, {}, resume=False):
        write_checkpoint(folder / "checkpoint-3")
        raise KeyboardInterrupt
    for _ in range(2):
        with pytest.raises(CertaintyError, match="contains an unfinished run"), claimed(folder, {}, resume=False):
            pass
    with claimed(folder, {}, resume=True):
        pass
    assert not folder.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "scheduler.pt"])
@pytest.mark.parametrize("size", [None, 0, 1000])
def test_a_damaged_checkpoint_is_passed_over_or_told(tmp_path: Path, name: str, size: int | None) -> None:
    folder = tmp_path / "mine.checkpoints"
    with pytest.raises(KeyboardInterrupt), claimed(folder, {}, resume=False):
        for step in (3, 6):
            write_checkpoint(folder / f"checkpoint-{step}", best_step=3)
        raise KeyboardInterrupt
    _damage(folder / "checkpoint-6" / name, size)
    assert last_complete_checkpoint(folder) == folder / "checkpoint-3"
    _damage(folder / "checkpoint-3" / name, size)
    told = (
        rf"checkpoint-6/{name}: missing or damaged, .* Restore the file, or delete \S+/mine\.checkpoints to start again"
    )
    for _ in range(2):  # nothing is deleted meanwhile
        with pytest.raises(CertaintyError, match=told), claimed(folder, {}, resume=True):
            pass


def _damage(file: Path, size: int | None) -> None:
    """Cut a file off at a size, or delete it."""
    if size is None:
        file.unlink()
    else:
        os.truncate(file, size)


def test_a_checkpoint_whose_best_is_damaged_is_not_continued_from(tmp_path: Path) -> None:
    for step, best in ((3, 3), (6, 6), (9, 6)):
        write_checkpoint(tmp_path / f"checkpoint-{step}", best)
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-9"
    _damage(tmp_path / "checkpoint-6" / "model.safetensors", 1000)
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    shutil.rmtree(tmp_path / "checkpoint-3")
    with pytest.raises(CertaintyError, match=r"checkpoint-6/model\.safetensors: missing or damaged"):
        last_complete_checkpoint(tmp_path)


def test_drafts_of_killed_runs_are_deleted_and_a_model_put_back(tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    shutil.copytree(tiny_model, tmp_path / ".mine.0a1b2c3d.old")
    for name in (".mine.0a1b2c3d.new", ".mine.9316.new", ".mine.2.0a1b2c3d.new", ".minestrone.0a1b2c3d.new"):
        (tmp_path / name).mkdir()
    clear_drafts(target)
    assert ModelSettings.load(target) == ModelSettings.load(tiny_model)
    others = [".mine.2.0a1b2c3d.new", ".minestrone.0a1b2c3d.new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*others, "mine"]


@pytest.mark.parametrize("library", ["torch", "torch's last bytes", "safetensors", "tokenizers", "Python"])
def test_a_full_disk_is_told_whichever_library_meets_it(tiny_model: Path, tmp_path: Path, library: str) -> None:
    tokenizer, weights = Tokenizer.from_file(str(tiny_model / "tokenizer.json")), {"a": torch.zeros(100_000)}
    write: dict[str, Callable[[str], object]] = {
        "torch": lambda path: torch.save(weights, path),
        "torch's last bytes": lambda path: torch.save(weights, path),
        "safetensors": lambda path: save_file(weights, path),
        "tokenizers": lambda path: tokenizer.save(path),
        "Python": lambda path: Path(path).write_text("a" * 100_000),
    }
    torch.save(weights, tmp_path / "whole")
    size = (tmp_path / "whole").stat().st_size - 100 if library == "torch's last bytes" else 1000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # the greatest size of a file
    try:
        told = pytest.raises(CertaintyError, match=r"mine: .* cannot be written .*free some space")
        with told, named_write_errors(tmp_path / "mine"):
            write[library](str(tmp_path / "file"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(SystemError, match="a bug"), named_write_errors(tmp_path):
        raise SystemError("a bug")
    with pytest.raises(FileNotFoundError), named_write_errors(tmp_path):
        (tmp_path / "none").read_text()


def test_divergence_is_told(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(QUICK + "epochs: 1\nlearning_rate: 1.0e+30\n")
    assert main(arguments(tmp_path / "mine", "--initial", tiny_model, "--config", config)) == 2
    assert "error: training has diverged" in (printed := capsys.readouterr().err)
    assert "Lower --learning-rate, which is 1e+30" in printed and "RuntimeWarning" not in printed


def test_a_path_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path / "mod\udcc3\udca8le")) == 2  # "modèle" in the locale C
    assert "is not valid Unicode in this locale; set PYTHONUTF8=1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
