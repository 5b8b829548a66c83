"""The manifest of an archive, `manifest.json`: which model and settings its rows come from, and which files."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

from certainty.archive.columns import KeptColumns
from certainty.archive.inputs import InputFile
from certainty.archive.parts import ERRORS, RECORDS, SENTENCES
from certainty.archive.settings import ArchiveSettings
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.writing import make_folder, sync_folder, whole_file, write_whole

MANIFEST, INPUTS = "manifest.json", "inputs.jsonl"

_LOCK = ".lock"
_FORMAT_VERSION = 1
_PACKAGES = ("onnxruntime", "pyarrow", "tokenizers")


@contextmanager
def claimed(folder: Path, resume: bool) -> Iterator[None]:
    """Keep the folder of an archive for this run alone; create it, if it does not exist.

    Raises:
        CertaintyError: If it exists and `resume` is false, it is not an archive, or another process is using it.
    """
    from filelock import FileLock, Timeout

    if folder.is_dir():
        others = [path.name for path in folder.iterdir() if path.name not in _OWN and not path.name.startswith(".")]
        if others and not (folder / MANIFEST).is_file():
            raise CertaintyError(f"{folder}: has other files, such as {others[0]}; give a new folder.")
        if not resume and any(folder.iterdir()):
            raise CertaintyError(f"{folder}: already exists; give --resume to continue it, or a new folder.")
    make_folder(folder)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CertaintyError(f"{folder}: another process is writing it; wait until it has ended.") from None
    try:
        yield
    finally:
        lock.release()


_OWN = {MANIFEST, INPUTS, SENTENCES, ERRORS, RECORDS}


def identity(classifier: CertaintyClassifier, settings: ArchiveSettings) -> dict[str, Any]:
    """Return what decides the rows, and so must be the same in all parts."""
    from certainty import __version__

    thresholds = {name: value for name, value in vars(classifier.settings).items() if name.endswith("_threshold")}
    return {
        "certainty": __version__,
        "model": classifier.model.to_dict(),
        "files": dict(classifier.files),
        "engine": classifier.engine,
        "thresholds": thresholds,
        "settings": settings.to_dict(),
    }


def failed_inputs(folder: Path) -> dict[str, str]:
    """Return the errors of the inputs of an archive that were not found.

    Raises:
        CertaintyError: If the list of its inputs cannot be read, or is not one.
    """
    return {one["name"]: one["error"] for one in _listed(folder) if "error" in one}


def start(folder: Path, run: Mapping[str, Any], files: Sequence[InputFile], columns: KeptColumns) -> None:
    """Write the manifest of a new archive, and the list of its inputs before it."""
    with whole_file(folder / INPUTS) as out:
        write_json_lines(_described(files), out)
    kept = {name: {"name": shown, "type": columns.types[shown]} for name, shown in columns.names.items()}
    write(folder, {"format_version": _FORMAT_VERSION, **run, "columns": kept, **_now("started"), **_versions()})


def make_tables(folder: Path) -> None:
    """Create the folders of an archive that do not exist; a copy through S3 has lost the empty ones."""
    for table in (SENTENCES, ERRORS, RECORDS):
        make_folder(folder / table)


def write(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest."""
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    sync_folder(folder)


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest.

    Raises:
        CertaintyError: If the folder is not an archive, or its manifest is damaged or of a later version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise CertaintyError(f"{folder}: is not an archive, as it has no {MANIFEST}; give the --output of one.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = manifest["format_version"]
        if found == _FORMAT_VERSION:
            _ = manifest["model"]["name"], manifest["settings"]["format"], columns_of(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CertaintyError(f"{path}: damaged ({error}); get it again, or score the archive anew.") from error
    if found != _FORMAT_VERSION:
        raise CertaintyError(
            f"{path}: format version {found}, not {_FORMAT_VERSION}, as this release reads it; upgrade."
        )
    return manifest


def columns_of(manifest: Mapping[str, Any]) -> KeptColumns:
    """Return the columns that are kept."""
    kept = manifest["columns"]
    names = {column: one["name"] for column, one in kept.items()}
    return KeptColumns(names, {one["name"]: one["type"] for one in kept.values()})


def check_same(folder: Path, manifest: Mapping[str, Any], run: Mapping[str, Any], files: Sequence[InputFile]) -> None:
    """Check that a run may continue an archive.

    Raises:
        CertaintyError: If its model, settings or inputs are others. The message names what differs.
    """
    before, now = (_flat({name: of.get(name) for name in run}) for of in (manifest, run))
    for name in ("model.name", "model.version", "model.heads"):  # the digests tell models apart
        before.pop(name, None), now.pop(name, None)
    differing = [
        f"{name} is {now.get(name)!r}, and was {before.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if differing:
        raise CertaintyError(
            f"{folder}: was scored otherwise: {'; '.join(differing)}. Resume with the same, or give a new folder."
        )
    for old, new in zip_longest(_listed(folder), _described(files)):
        if old != new:
            raise CertaintyError(f"{folder}: {_changed(old, new)}. Resume with the same inputs, or give a new folder.")


def finish(folder: Path, totals: Mapping[str, int]) -> None:
    """Write into the manifest that the archive is complete, and what it has."""
    write(folder, read(folder) | {"totals": dict(totals), **_now("finished")})


def _listed(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the inputs of an archive, as `_described` has described them."""
    path = folder / INPUTS
    for line, one in read_json_lines(path):
        if not (isinstance(one.get("name"), str) and "size" in one and isinstance(one.get("error", ""), str)):
            raise CertaintyError(
                f"{path}, line {line}: is not an input; get the file again, or score the archive anew."
            )
        yield one


def _described(files: Sequence[InputFile]) -> Iterator[dict[str, Any]]:
    for file in files:
        yield {"name": file.name, "size": file.size} | ({} if file.error is None else {"error": file.error})


def _changed(old: Any, new: Any) -> str:
    if not isinstance(old, dict) or not isinstance(new, dict) or old["name"] != new["name"]:
        shown = [one["name"] if isinstance(one, dict) else "no further file" for one in (new, old)]
        return f"the inputs have changed: {shown[0]} is where {shown[1]} was"
    if "error" in new:
        return f"an input was found before: {new['error'].rstrip('.')}"
    return f"{new['name']} has changed: it has {new['size']} bytes, and had {old['size']}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _now(name: str) -> dict[str, str]:
    return {name: datetime.now(timezone.utc).isoformat(timespec="seconds")}


def _versions() -> dict[str, dict[str, str]]:
    return {"versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}}
