"""The sentences that a model was trained or chosen on, as hashes, for those who judge it, or continue from it.

A hash has 32 bits of the SHA-256 of a sentence's letters and digits: among 100,000 sentences, one in 40,000 others is
taken for known by chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.errors import CertaintyError
from certainty.evaluation.leakage import near_duplicates, text_key
from certainty.evaluation.scorer import Scorer
from certainty.labelled import LabelledSentence
from certainty.model_folder import KNOWN_FILE
from certainty.writing import write_whole

__all__ = ["MOST_TRAINED_ON", "known", "known_counts", "write_known"]

MOST_TRAINED_ON = 0.05
"""Greatest share of the rows that a model was trained on with which it can be said to be better than another."""

_TRAINED_ON, _CHOSEN_ON = "sha256_32", "chosen_on_sha256_32"


def write_known(
    folder: Path, sentences: Iterable[LabelledSentence], start: Path, dev: Iterable[LabelledSentence] = ()
) -> None:
    """Write the hashes of the sentences that a model was trained on, with those of the model that it continues from.

    Args:
        folder: The folder of the model.
        sentences: The sentences that it was trained on.
        start: The folder of the model or encoder that it continues from.
        dev: The sentences on which it was chosen and calibrated.

    Raises:
        CertaintyError: The file of the starting model is damaged.
    """
    from safetensors.numpy import save

    trained_on = np.union1d(_hashes(sentences), _read(start))
    write_whole(folder / KNOWN_FILE, save({_TRAINED_ON: trained_on, _CHOSEN_ON: np.unique(_hashes(dev))}))


def known(sentences: Sequence[LabelledSentence], folder: Path) -> list[LabelledSentence]:
    """Return the sentences that the model in a folder was trained on; none if it does not record them.

    Raises:
        CertaintyError: The file is damaged.
    """
    found = np.isin(_hashes(sentences), _read(folder))
    return [sentence for sentence, is_known in zip(sentences, found, strict=True) if is_known]


def known_counts(
    classifiers: Mapping[str, Scorer],
    sentences: Sequence[LabelledSentence],
    train: Sequence[LabelledSentence] | None = None,
) -> dict[str, Any]:
    """Return how many of the sentences are in train, or nearly (`in_train`; None without train).

    And how many each model was trained on (`trained_on`, by its name), and chosen on (`chosen_on`).

    A model that knows most of train was trained on it, so that sentences that are nearly the same as one of train count
    as well. A model whose folder does not record what it knows has None: those trained before `chosen_on` was recorded
    lack it alone.

    Raises:
        CertaintyError: The file of a model is damaged.
    """
    folders = {name: getattr(classifier, "folder", None) for name, classifier in classifiers.items()}
    hashes, of_train = _hashes(sentences), _hashes(train or ())
    near = {text for text, _ in near_duplicates(train or (), sentences)}
    is_near = np.array([sentence.text in near for sentence in sentences], dtype=bool)
    counts: dict[str, dict[str, int | None]] = {"trained_on": {}, "chosen_on": {}}
    for name, folder in folders.items():
        stored = _stored(folder) if isinstance(folder, Path) else {}
        seen = {key: np.isin(hashes, stored[key]) for key in (_TRAINED_ON, _CHOSEN_ON) if key in stored}
        if train and _TRAINED_ON in seen and np.isin(of_train, stored[_TRAINED_ON]).mean() > 0.5:
            seen[_TRAINED_ON] |= is_near
        for answer, key in (("trained_on", _TRAINED_ON), ("chosen_on", _CHOSEN_ON)):
            counts[answer][name] = int(seen[key].sum()) if key in seen else None
    return {"in_train": None if train is None else int(is_near.sum()), **counts}


def _hashes(sentences: Iterable[LabelledSentence]) -> NDArray[np.uint32]:
    keys = (text_key(sentence.text).encode("utf-8", "surrogatepass") for sentence in sentences)
    digests = (hashlib.sha256(key).digest() for key in keys)
    return np.array([int.from_bytes(digest[:4], "little") for digest in digests], dtype=np.uint32)


def _read(folder: Path) -> NDArray[np.uint32]:
    return _stored(folder).get(_TRAINED_ON, np.array([], dtype=np.uint32))


def _stored(folder: Path) -> dict[str, NDArray[np.uint32]]:
    """Return the hashes that a folder records, by their names; none if it has no file of them."""
    path = folder / KNOWN_FILE
    if not path.is_file():
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(path.read_bytes())
    except OSError as error:
        raise CertaintyError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    except SafetensorError as error:
        raise CertaintyError(f"{path}: damaged ({error}). Copy the model folder again.") from error
    if _TRAINED_ON not in stored:
        raise CertaintyError(f"{path}: damaged (no {_TRAINED_ON!r}). Copy the model folder again.")
    return {name: hashes.astype(np.uint32).ravel() for name, hashes in stored.items()}
