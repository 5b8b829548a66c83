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

from filelock import FileLock, Timeout

from certainty.digests import file_digest
from certainty.errors import CertaintyError
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.pseudo_labels import pseudo_label_metadata
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.start import Start
from certainty.labelled import LabelledSentence
from certainty.messages import argument

__all__ = ["checkpoints_of", "claimed", "identity", "last_complete_checkpoint"]

logger = logging.getLogger(__name__)

RUN_FILE, LOCK_FILE = "run.json", "lock"
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
        CertaintyError: If the folder exists and `resume` is false, it is missing and `resume` is true, it belongs to a
            run with other data or settings, or another process is using it.
    """
    _check(folder, run, resume)
    try:
        folder.mkdir(exist_ok=resume)
    except OSError as error:
        raise CertaintyError(
            f"{folder}: cannot be created ({error.strerror}); give another {argument('output')}."
        ) from error
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CertaintyError(f"{folder}: another process is using it; wait until that run has ended.") from None
    kept = None
    try:
        if not resume:
            (folder / RUN_FILE).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
        yield
    except BaseException:
        if kept := last_complete_checkpoint(folder):
            logger.warning(
                "Stopped; with the same data and settings, %s continues from step %d.",
                argument("resume", True),
                _step(kept),
            )
        raise
    finally:
        lock.release()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def last_complete_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint, or None; the Trainer writes a checkpoint's state file last."""
    complete = [p.parent for p in folder.glob("checkpoint-*/trainer_state.json") if _is_json(p)]
    return max(complete, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _check(folder: Path, run: Mapping[str, Any], resume: bool) -> None:
    if not folder.exists():
        if resume:
            raise CertaintyError(
                f"{folder}: no such folder, so there is no run to resume; leave {argument('resume')} out."
            )
        return
    if not resume:
        raise CertaintyError(
            f"{folder}: contains an unfinished run. Continue with {argument('resume', True)}, or delete it."
        )
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


def _digest_of_weights(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _digest(sentences: Sequence[LabelledSentence]) -> str:
    # Covers every field of each sentence; the digest in a model card covers fewer.
    return hashlib.sha256("\n".join(map(repr, sentences)).encode("utf-8", "surrogatepass")).hexdigest()
