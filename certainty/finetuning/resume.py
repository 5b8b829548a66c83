"""Store checkpoints next to the output, with a lock and the identity of their run, so that no other run uses them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open

from certainty.digests import file_digest
from certainty.errors import CertaintyError
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.pseudo_labels import pseudo_label_metadata
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.start import Start
from certainty.labelled import LabelledSentence
from certainty.messages import argument

__all__ = ["best_checkpoint", "checkpoints_of", "claimed", "identity", "last_complete_checkpoint"]

logger = logging.getLogger(__name__)

RUN_FILE, LOCK_FILE = "run.json", "lock"
# Of a checkpoint, as the Trainer names them.
_STATE_FILE, _WEIGHTS_FILE = "trainer_state.json", "model.safetensors"
_TORCH_FILES = "optimizer.pt", "scheduler.pt"
_DIGESTS = "start", "train", "dev"
_SPLITTING = "seed", "folds", "group_by"


def checkpoints_of(output: Path) -> Path:
    """Return the checkpoint folder of an output folder."""
    target = output.resolve()
    return target.with_name(f"{target.name}.checkpoints")


def identity(settings: FinetuningSettings, data: FinetuningData, start: Start) -> dict[str, Any]:
    """Return what identifies a run: digests of its start, train, dev and pseudo-labels, settings and process count.

    The device is not part of it, so a run may be resumed on another one.

    Raises:
        CertaintyError: If the file of pseudo-labels is missing or damaged.
    """
    of_file = None
    if settings.pseudo_labels:
        pseudo_label_metadata(settings.pseudo_labels)
        of_file = file_digest(Path(settings.pseudo_labels))
    return {
        "start": _digest_of_weights(start.folder),
        "train": _digest(data.train),
        "dev": _digest(data.dev),
        "pseudo_labels": of_file,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        **settings.model_dump(exclude={"device", "pseudo_labels"}),
    }


@contextmanager
def claimed(folder: Path, run: Mapping[str, Any], resume: bool) -> Iterator[None]:
    """Keep the checkpoint folder for this run alone; delete it on success, or if it has no complete checkpoint.

    Args:
        folder: The checkpoint folder; it is created unless the run is resumed.
        run: The identity of the run.
        resume: Whether to continue the run that the folder belongs to.

    Raises:
        CertaintyError: If the folder has an unfinished run and `resume` is false, is missing and `resume` is true, or
            belongs to a run with other data or settings; or if its checkpoints are damaged, another process is using
            it, or it cannot be created.
    """
    if resume and not folder.exists():
        raise CertaintyError(f"{folder}: no such folder, so there is no run to resume; leave {argument('resume')} out.")
    lock = FileLock(folder / LOCK_FILE)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire(timeout=0)  # before what is in the folder is judged, which another run may be writing
    except Timeout:
        raise CertaintyError(f"{folder}: another process is using it; wait until that run has ended.") from None
    except OSError as error:
        raise CertaintyError(
            f"{folder}: cannot be created or locked ({error.strerror}); give another {argument('output')}."
        ) from error
    is_kept = True  # whatever is in it, unless it is this run's
    try:
        _check(folder, run, resume)
        is_kept = False
        if not resume:
            (folder / RUN_FILE).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
        yield
    except BaseException:
        if not is_kept and (last := _whole(folder)):
            is_kept = True
            logger.warning(
                "Stopped; with the same data and settings, %s continues from step %d.",
                *(argument("resume", True), _step(last)),
            )
        raise
    finally:
        lock.release()
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


def last_complete_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that training can continue from, or None if none was written to its end.

    Raises:
        CertaintyError: If checkpoints were written to their end, but each of them lacks a file by now, or has one that
            was cut off, as after a power failure or by an incomplete copy.
    """
    if whole := _whole(folder):
        return whole
    if written := _written(folder):
        raise CertaintyError(
            f"{_damaged(written[-1])}: missing or damaged, and no earlier checkpoint is whole. Restore the file, or "
            f"delete {folder} to start again."
        )
    return None


def best_checkpoint(checkpoint: Path) -> Path | None:
    """Return the checkpoint that was the best when this one was written, or None if none was evaluated.

    It lies beside this one, wherever the folder has been moved; the path in the Trainer's state is the former one.
    """
    best = json.loads((checkpoint / _STATE_FILE).read_text(encoding="utf-8")).get("best_global_step")
    return checkpoint.with_name(f"checkpoint-{best}") if best else None


def _whole(folder: Path) -> Path | None:
    return next((checkpoint for checkpoint in reversed(_written(folder)) if not _damaged(checkpoint)), None)


def _written(folder: Path) -> list[Path]:
    """Return the checkpoints that were written to their end, by step; the Trainer writes a state file last."""
    return sorted((path.parent for path in folder.glob(f"checkpoint-*/{_STATE_FILE}") if _is_json(path)), key=_step)


def _damaged(checkpoint: Path) -> Path | None:
    """Return a file that is needed to continue from a checkpoint, but is missing or was cut off; or None."""
    weights = [folder / _WEIGHTS_FILE for folder in (checkpoint, best_checkpoint(checkpoint)) if folder]
    archives = [checkpoint / name for name in _TORCH_FILES]
    cut_off = (path for path in archives if not is_zipfile(path))  # the directory of such a file is its end
    return next((path for path in weights if not _is_safetensors(path)), None) or next(cut_off, None)


def _is_safetensors(path: Path) -> bool:
    """Return whether a file of weights exists and is as long as its header says."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _check(folder: Path, run: Mapping[str, Any], resume: bool) -> None:
    if not resume:
        if any(path.name != LOCK_FILE for path in folder.iterdir()):
            raise CertaintyError(
                f"{folder}: contains an unfinished run. Continue with {argument('resume', True)}, or delete the folder."
            )
        return
    try:
        before = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CertaintyError(
            f"{folder / RUN_FILE}: cannot be read ({error}); delete the folder to start again."
        ) from None
    other = [name for name, value in run.items() if before.get(name) != value]
    if other:
        if any(name in _SPLITTING for name in other):  # the same rows may be split otherwise
            other = [name for name in other if name not in ("train", "dev")]
        told = "; ".join(
            f"{name} has changed" if name in _DIGESTS else f"{name} was {before.get(name)}, now {run[name]}"
            for name in other
        )
        raise CertaintyError(
            f"{folder}: belongs to another run ({told}). Use the same data and settings, or delete the folder."
        )
    last_complete_checkpoint(folder)  # raises its error before this run could delete the folder


def _digest_of_weights(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _digest(sentences: Sequence[LabelledSentence]) -> str:
    # Covers every field of each sentence; the digest in a model card covers fewer.
    return hashlib.sha256("\n".join(map(repr, sentences)).encode("utf-8", "surrogatepass")).hexdigest()
