"""Take a model from the Hugging Face hub, or rather from the cache of what was downloaded before."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from certainty.errors import CertaintyError

PATIENCE = 10.0
"""Seconds to wait for each answer of the hub."""


def from_hub(name: str, files: list[str], key: str) -> Path:
    """Return the folder of a model in the download cache, downloading it if it is not there.

    What is in the cache is not compared with the hub, so it opens as fast without a network, and stays the same.

    Args:
        name: `owner/name`.
        files: Names or patterns of the files to download.
        key: The file without which the folder is not complete.

    Raises:
        CertaintyError: If the hub does not have it, cannot be reached, or must not be asked (`HF_HUB_OFFLINE`).
    """
    try:  # tokenizers needs it, too, but an installation may have been made without what packages need
        from huggingface_hub import HfApi, constants, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError as error:
        raise CertaintyError(
            f"{name}: no such folder, and for a model on the hub huggingface_hub must be installed ({error}): "
            "pip install huggingface-hub."
        ) from error

    take = partial(snapshot_download, name, allow_patterns=files, etag_timeout=PATIENCE)
    try:
        try:
            if os.path.isfile(os.path.join(cached := take(local_files_only=True), key)):
                return Path(cached)
        except LocalEntryNotFoundError:
            pass
        if not constants.HF_HUB_OFFLINE:
            HfApi().model_info(name, timeout=PATIENCE)  # fails fast; a download would retry for minutes
            return Path(take())
    except RepositoryNotFoundError:  # also without the right to see it
        raise CertaintyError(
            f"{name}: no such folder, and no such model on the hub. Check the name; for a private one, `hf auth login`."
        ) from None
    except Exception as error:  # its own errors, those of its HTTP library, ValueError and OSError
        reason = " ".join(str(error).split()) or "no reason given"
        raise CertaintyError(
            f"{name}: no such folder, and the download from the hub failed ({type(error).__name__}: {reason}). "
            "Give a folder."
        ) from None
    raise CertaintyError(
        f"{name}: no such folder, not in the download cache, and HF_HUB_OFFLINE is set. Give a folder."
    )
