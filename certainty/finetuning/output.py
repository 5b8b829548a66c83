"""The folder of the finished model, which appears whole or not at all."""

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
    """Check before long work that the model may be put there.

    Raises:
        CertaintyError: it is a file, a model while `overwrite` is false, a folder with other things in it, or its
            parent cannot be made.
    """
    if output.is_dir() and any(output.iterdir()):
        if not (output / SETTINGS_FILE).is_file():
            raise CertaintyError(f"{output}: holds other files than a model; give another folder for the output.")
        if not overwrite:
            raise CertaintyError(f"{output}: a finished model. Give another folder, or --overwrite to replace it.")
    elif output.exists() and not output.is_dir():
        raise CertaintyError(f"{output}: a file; give a folder for the output.")
    try:
        output.resolve().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be made ({error.strerror}); give another folder.") from error


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Yield an empty folder beside `output` that takes its place if all goes well; an older model makes room last.

    Raises:
        CertaintyError: the folder cannot be made.
    """
    target = output.resolve()
    draft, old = (target.with_name(f".{target.name}.{os.getpid()}.{ending}") for ending in ("new", "old"))
    try:
        draft.mkdir()
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be made ({error.strerror}); give another folder.") from error
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
