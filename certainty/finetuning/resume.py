"""The checkpoints of a run: beside its output, with what the run is made of, so that no other run goes on from them."""

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
    """Return the folder of the checkpoints of an output folder."""
    target = output.resolve()
    return target.with_name(f"{target.name}.checkpoints")


def identity(settings: FinetuningSettings, data: FinetuningData) -> dict[str, Any]:
    """Return what makes a run the same run: digests of train, dev and pseudo-labels, the settings, the processes."""
    of_file = hashlib.sha256(Path(settings.pseudo_labels).read_bytes()).hexdigest() if settings.pseudo_labels else None
    return {
        "train": _digest(data.train),
        "dev": _digest(data.dev),
        "pseudo_labels": of_file,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        **settings.model_dump(exclude={"device", "pseudo_labels"}),
    }


def check_checkpoints(folder: Path, run: Mapping[str, Any], resume: bool) -> None:
    """Check before a run whether its checkpoints may be put there, or gone on from.

    Raises:
        CertaintyError: there are checkpoints and `resume` is false, there are none and it is true, or they are of a run
            on other data or with other settings.
    """
    if not folder.exists():
        if resume:
            raise CertaintyError(f"{folder}: no such folder, so there is no run to go on with; leave --resume out.")
        return
    if not resume:
        raise CertaintyError(f"{folder}: an unfinished run. Go on with --resume, or delete the folder.")
    try:
        before = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CertaintyError(
            f"{folder / RUN_FILE}: cannot be read ({error}); delete the folder to start anew."
        ) from None
    other = [name for name, value in run.items() if before.get(name) != value]
    if other:
        told = "; ".join(
            f"{name} is other data" if name in ("train", "dev") else f"{name} was {before.get(name)}, now {run[name]}"
            for name in other
        )
        raise CertaintyError(
            f"{folder}: of another run ({told}). Give the same to go on with it, or delete the folder to start anew."
        )


def name_run(folder: Path, run: Mapping[str, Any]) -> None:
    """Make the folder and note what the run is made of."""
    folder.mkdir(exist_ok=True)
    (folder / RUN_FILE).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def _digest(sentences: Sequence[LabelledSentence]) -> str:
    # All that is known of each sentence, which the digest of a model's card leaves out.
    return hashlib.sha256("\n".join(map(repr, sentences)).encode("utf-8", "surrogatepass")).hexdigest()
