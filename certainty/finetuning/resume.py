"""Store checkpoints next to the output, with the identity of their run, so that no other run resumes from them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.settings import FinetuningSettings
from certainty.labelled import LabelledSentence

__all__ = ["check_checkpoints", "checkpoints_of", "identity", "name_run"]

RUN_FILE = "run.json"


def checkpoints_of(output: Path) -> Path:
    """Return the checkpoint folder of an output folder."""
    target = output.resolve()
    return target.with_name(f"{target.name}.checkpoints")


def identity(settings: FinetuningSettings, data: FinetuningData) -> dict[str, Any]:
    """Return what identifies a run: digests of train, dev and pseudo-labels, the settings and the process count.

    The device is not part of it, so a run may be resumed on another one.
    """
    of_file = hashlib.sha256(Path(settings.pseudo_labels).read_bytes()).hexdigest() if settings.pseudo_labels else None
    return {
        "train": _digest(data.train),
        "dev": _digest(data.dev),
        "pseudo_labels": of_file,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        **settings.model_dump(exclude={"device", "pseudo_labels"}),
    }


def check_checkpoints(folder: Path, run: Mapping[str, Any], resume: bool) -> None:
    """Check, before a run, that its checkpoints can be written to the folder or resumed from it.

    Raises:
        CertaintyError: the folder exists and `resume` is false, it is missing and `resume` is true, or it belongs to a
            run with other data or settings.
    """
    if not folder.exists():
        if resume:
            raise CertaintyError(f"{folder}: no such folder, so there is no run to resume; leave --resume out.")
        return
    if not resume:
        raise CertaintyError(f"{folder}: contains an unfinished run. Continue with --resume, or delete the folder.")
    try:
        before = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CertaintyError(
            f"{folder / RUN_FILE}: cannot be read ({error}); delete the folder to start again."
        ) from None
    other = [name for name, value in run.items() if before.get(name) != value]
    if other:
        told = "; ".join(
            f"{name} has changed" if name in ("train", "dev") else f"{name} was {before.get(name)}, now {run[name]}"
            for name in other
        )
        raise CertaintyError(
            f"{folder}: belongs to another run ({told}). Use the same data and settings, or delete the folder."
        )


def name_run(folder: Path, run: Mapping[str, Any]) -> None:
    """Create the folder and record the identity of the run in it."""
    folder.mkdir(exist_ok=True)
    (folder / RUN_FILE).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def _digest(sentences: Sequence[LabelledSentence]) -> str:
    # Covers every field of each sentence; the digest in a model card covers fewer.
    return hashlib.sha256("\n".join(map(repr, sentences)).encode("utf-8", "surrogatepass")).hexdigest()
