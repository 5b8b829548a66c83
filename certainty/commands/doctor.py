"""`certainty doctor`: what a bug report should say about the installation, the model and the machine."""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import certainty
from certainty.commands.engine import ModelChoice, add_engine_arguments, model_choice
from certainty.commands.help import HelpFormatter
from certainty.commands.output import FAILED
from certainty.engines import ONNX_FILES
from certainty.engines.cores import available_cores, core_quota
from certainty.engines.graph_cache import CACHE_VARIABLE, cache_folder
from certainty.errors import CertaintyError
from certainty.extras import DISTRIBUTION
from certainty.model_folder import find_model

TEXT = (
    "Le maire a signé le contrat. Le pont aurait cédé dans la nuit, selon la préfecture. "
    "À mon avis, le chantier est un gâchis. L’entreprise dément tout retard. Qui paiera ?"
)
"""A text to score, to see the results of the model on this machine."""
REPEATS = 40
"""Number of copies of the text that are scored at once to measure the speed."""

_NOT_PACKAGED = "not installed from a package, so not compared"
_CORE = ("numpy", "onnxruntime", "platformdirs", "rich", "tokenizers")


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="show versions, engine and speed for a bug report",
        description="Show what a bug report should contain: versions of Python, certainty and libraries, the cores, "
        "the model, the engine and why it was chosen, and the scores and the speed on a fixed text. Nothing is sent.",
        epilog="examples:\n"
        "  certainty doctor\n"
        "  certainty doctor --model models/mine --engine torch\n"
        "  certainty doctor --json > doctor.json",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the shipped model)")
    add_engine_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings and return the exit status, which is 2 if the model cannot be used."""
    found = examine(model_choice(args))
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in found.items():
            print("\n".join(_lines(name, value)))
    return FAILED if "error" in found else 0


def examine(choice: ModelChoice) -> dict[str, Any]:
    """Return the findings, with `error` if the model cannot be used."""
    found = {
        "certainty": certainty.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "encoding": f"{sys.getfilesystemencoding()} (files), {sys.stdout.encoding} (output)",
        "files": _changed_files(),
        "packages": _packages(),
        "cores": _cores(),
        "cache": f"{folder} ({CACHE_VARIABLE})" if (folder := cache_folder()) else f"none ({CACHE_VARIABLE})",
    }
    try:
        found |= _model(choice)
    except CertaintyError as error:
        found["error"] = str(error)
    return found


def _packages() -> dict[str, str | None]:
    """Return the versions of the libraries that the package and its extras require; None for a missing library."""
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # a copy of the repository that is not installed
        required = list(_CORE)
    names = [found[0] for line in required if (found := re.match(r"[\w.-]+", line))]
    return {name: _version(name) for name in dict.fromkeys(names) if name != DISTRIBUTION}


def _changed_files() -> str:
    """Compare the installed files, the model's too, with the digests that were recorded when they were packaged."""
    try:
        package = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return _NOT_PACKAGED
    # Since Python 3.12, `package.files` leaves out those that are missing.
    rows = csv.reader((package.read_text("RECORD") or "").splitlines())
    ours = [(name, digest) for name, digest, _ in rows if digest and name.startswith(f"{certainty.__name__}/")]
    packaged = {name: digest.partition("=")[2] for name, digest in ours}
    if not packaged:
        return _NOT_PACKAGED
    changed = [name for name, digest in packaged.items() if _digest(Path(str(package.locate_file(name)))) != digest]
    return f"{len(packaged)} as packaged" if not changed else f"changed: {', '.join(changed)}"


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file as it is recorded in a wheel; None if it is missing."""
    if not path.is_file():
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> dict[str, int | float | None]:
    return {"machine": os.cpu_count(), "quota": core_quota(), "usable": available_cores()}


def _model(choice: ModelChoice) -> dict[str, Any]:
    """Open the model, and return its identity, its engine, its scores and its speed.

    Raises:
        CertaintyError: If the model cannot be used.
    """
    folder = find_model(choice.model)
    began = time.perf_counter()
    classifier = choice.open()
    opened = time.perf_counter()
    document = classifier.score(TEXT)
    first = time.perf_counter()
    classifier.score([TEXT] * REPEATS)
    rate = REPEATS * len(document) / (time.perf_counter() - first)
    name, default = choice.engine or "auto", classifier.settings.engine
    engine = classifier.engine
    return {
        "model": {"folder": _without_home(folder), **classifier.model.to_dict()},
        "engine": {
            "name": engine,
            "because": _reason(name, engine, default, choice.device),
            "threads": choice.threads or available_cores(),
            "device": choice.device,
        },
        "scores": [{"text": s.text, "label": s.label.value, "probability": round(s.probability, 6)} for s in document],
        "speed": {
            "open_seconds": round(opened - began, 3),
            "first_score_seconds": round(first - opened, 3),
            "sentences_per_second": round(rate, 1),
        },
    }


def _reason(name: str, engine: str, default: str, device: str | None) -> str:
    if name != "auto":
        return "named by --engine"
    if engine == default:
        return "the model names it"
    if device not in (None, "cpu"):
        return f"--device {device} needs it"
    if default == "onnx-int8" and engine == "onnx":
        return "the model names onnx-int8, which is not faster or not exact on this processor"
    return f"the model names {default}, but has no {ONNX_FILES.get(default, 'such file')}"


def _without_home(folder: Path) -> str:
    """Return a path without the home folder, whose name the user may not want to publish."""
    folder, home = folder.resolve(), Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) and home != Path("/") else str(folder)


def _lines(name: str, value: Any) -> list[str]:
    """Return the lines that show a value, the first with its name; only of packages what is missing is told."""
    if isinstance(value, Mapping):
        shown = [
            f"{key} {', '.join(item) if isinstance(item, list) else item}"
            for key, item in value.items()
            if item is not None
        ]
        if name == "packages" and (missing := [key for key, item in value.items() if item is None]):
            shown.append(f"not installed: {', '.join(missing)}")
    elif isinstance(value, list):
        shown = [f"{row['label']} {row['probability']:.6f}  {row['text']}" for row in value]
    else:
        shown = [str(value)]
    return [f"{name if i == 0 else '':9}  {line}" for i, line in enumerate(shown)]
