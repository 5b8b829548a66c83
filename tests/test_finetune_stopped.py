"""What is left, and what may go on, if a fine-tuning is stopped, cannot write, or diverges."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from test_finetune import arguments
from tokenizers import Tokenizer

from certainty import CertaintyError
from certainty.cli import main
from certainty.finetuning.output import clear_drafts, named_write_errors
from certainty.finetuning.resume import claimed
from certainty.model_folder import ModelSettings

QUICK = "evaluations_per_epoch: 1\nbatch_size: 16\nbf16: false\n"


def test_a_run_stopped_by_sigterm_after_its_early_stop_is_resumed_without_more_training(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine.checkpoints"]
    last = max(int(path.name.split("-")[1]) for path in (tmp_path / "mine.checkpoints").glob("checkpoint-*"))
    assert main(arguments(folder, *settings, "--resume")) == 0
    training = ModelSettings.load(folder).training or {}
    assert (training["steps"], training["best_step"]) == (last, last // 2)


def test_two_runs_do_not_share_checkpoints(tmp_path: Path) -> None:
    folder = tmp_path / "mine.checkpoints"
    with claimed(folder, {"seed": 1}, resume=False):
        (folder / "checkpoint-1").mkdir()
        with pytest.raises(CertaintyError, match="another process is using it"), claimed(folder, {"seed": 1}, True):
            pass
        assert (folder / "checkpoint-1").is_dir()
    assert not folder.exists()


def test_checkpoints_are_kept_for_resuming_only_if_one_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "mine.checkpoints"
    with pytest.raises(KeyboardInterrupt), claimed(folder, {}, resume=False):
        raise KeyboardInterrupt
    assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), claimed(folder, {}, resume=False):
        (folder / "checkpoint-3").mkdir()
        (folder / "checkpoint-3" / "trainer_state.json").write_text("{}")
        raise KeyboardInterrupt
    assert folder.is_dir()
    with claimed(folder, {}, resume=True):
        pass
    assert not folder.exists()


def test_drafts_of_killed_runs_are_deleted_and_a_model_put_back(tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    shutil.copytree(tiny_model, tmp_path / ".mine.0a1b2c3d.old")
    for name in (".mine.0a1b2c3d.new", ".mine.9316.new", ".mine.2.0a1b2c3d.new", ".minestrone.0a1b2c3d.new"):
        (tmp_path / name).mkdir()
    clear_drafts(target)
    assert ModelSettings.load(target) == ModelSettings.load(tiny_model)
    others = [".mine.2.0a1b2c3d.new", ".minestrone.0a1b2c3d.new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*others, "mine"]


@pytest.mark.parametrize("library", ["torch", "safetensors", "tokenizers", "Python"])
def test_a_full_disk_is_told_whichever_library_meets_it(tiny_model: Path, tmp_path: Path, library: str) -> None:
    tokenizer, weights = Tokenizer.from_file(str(tiny_model / "tokenizer.json")), {"a": torch.zeros(100_000)}
    write: dict[str, Callable[[str], object]] = {
        "torch": lambda path: torch.save(weights, path),
        "safetensors": lambda path: save_file(weights, path),
        "tokenizers": lambda path: tokenizer.save(path),
        "Python": lambda path: Path(path).write_text("a" * 100_000),
    }
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # the greatest size of a file
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
