"""Create the output folder of a finished model atomically."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certainty.errors import CertaintyError
from certainty.model_folder import SETTINGS_FILE

__all__ = ["check_output", "new_folder"]


def check_output(output: Path, overwrite: bool) -> None:
    """Check, before any long work, that the model can be written to `output`.

    Creates the parent folder if it is missing.

    Raises:
        CertaintyError: `output` is a file, contains a model and `overwrite` is false, or contains other files; or its
            parent cannot be created.
    """
    if output.is_dir() and any(output.iterdir()):
        if not (output / SETTINGS_FILE).is_file():
            raise CertaintyError(f"{output}: contains files but no model; give another folder for the output.")
        if not overwrite:
            raise CertaintyError(
                f"{output}: already contains a model. Give another folder, or --overwrite to replace it."
            )
    elif output.exists() and not output.is_dir():
        raise CertaintyError(f"{output}: is a file; give a folder for the output.")
    try:
        output.resolve().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be created ({error.strerror}); give another folder.") from error


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Yield an empty draft folder next to `output` and rename it to `output` on success.

    An existing model is replaced only then; if the rename fails, the old model is put back. On an error the draft is
    deleted.

    Raises:
        CertaintyError: the draft folder cannot be created.
    """
    target = output.resolve()
    draft, old = (target.with_name(f".{target.name}.{os.getpid()}.{ending}") for ending in ("new", "old"))
    try:
        draft.mkdir()
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be created ({error.strerror}); give another folder.") from error
    try:
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
