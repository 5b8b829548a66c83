"""Keep each graph as onnxruntime has prepared it, so that later processes open it in a fraction of the time.

To open a graph, onnxruntime folds its constants. For the graph of integers, which quantises all weights, that is most
of a cold start, and takes more memory than scoring. The result is the same each time: it is written to the user's cache
in the format of onnxruntime, and mapped into memory from then on, once for all processes. The graph of 32-bit floats
folds little, and would not open faster in this way.
https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from contextlib import suppress
from pathlib import Path

import platformdirs

from certainty.digests import file_digest
from certainty.engines.processor import cpu_features
from certainty.errors import CertaintyError

__all__ = ["CACHE_VARIABLE", "GraphCache", "cache_folder"]

logger = logging.getLogger(__name__)

CACHE_VARIABLE = "CERTAINTY_CACHE"
"""Environment variable with the folder of the cache; empty, nothing is kept."""
KEPT = 4
"""Number of graphs in the cache; that of certainty-fr-small has 28 MB."""


class GraphCache:
    """The place of one graph in the cache.

    Another graph, other weights, another release of onnxruntime and another kind of processor have other places. The
    name of a file has its digest, so that none that was damaged is used.

    Args:
        graph: The ONNX file.
        weights_digest: SHA-256 of the weights, which it takes from another file.
        runtime: Version of onnxruntime.
    """

    def __init__(self, graph: Path, weights_digest: str, runtime: str) -> None:
        features = sorted(name for name, has in cpu_features().items() if has)
        parts = [file_digest(graph), weights_digest, runtime, platform.machine(), *features]
        self._name = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]
        self._folder = cache_folder()

    def find(self) -> Path | None:
        """Return the prepared graph, or None if there is none."""
        if self._folder is None:
            return None
        try:
            for file in self._folder.glob(f"{self._name}-*.ort"):
                if file.stem.endswith(file_digest(file)):
                    with suppress(PermissionError):  # it may belong to another user
                        os.utime(file)  # the graphs used least recently are removed first
                    return file
                logger.warning("%s: damaged; it is made again.", file)
                file.unlink()
        except OSError as error:  # another process may remove it meanwhile
            logger.debug("%s: not used (%s).", self._folder, error)
        return None

    def new_file(self) -> Path | None:
        """Return the name of a file for onnxruntime to write, for `keep`; None if none can be written."""
        if self._folder is None:
            return None
        from certainty.writing import make_folder  # which a process that finds its graph does not need

        try:
            return make_folder(self._folder) / f"{self._name}-{os.urandom(4).hex()}.new"
        except CertaintyError as error:  # a read-only file system, for example
            logger.debug("%s Each process prepares its graph itself.", error)
            return None

    def keep(self, new: Path) -> None:
        """Make the prepared graph of a file that onnxruntime has written, and remove those used least recently."""
        try:
            if any(new.parent.glob(f"{self._name}-*.ort")):  # another process was faster
                new.unlink()
                return
            with new.open("rb+") as written:
                os.fsync(written.fileno())  # a rename may reach the disk before the content does
            new.replace(new.with_name(f"{self._name}-{file_digest(new)}.ort"))
            graphs = [file for file in new.parent.iterdir() if file.suffix in (".ort", ".new")]
            for file in sorted(graphs, key=lambda graph: graph.stat().st_mtime)[:-KEPT]:
                file.unlink()
        except OSError as error:  # another process, or a full disk
            logger.debug("%s: not kept (%s).", new, error)


def cache_folder() -> Path | None:
    """Return the folder of the prepared graphs, or None if nothing is kept."""
    given = os.environ.get(CACHE_VARIABLE)
    if given is not None:
        return Path(given).absolute() if given else None
    folder = platformdirs.user_cache_path("certainty", appauthor=False) / "graphs"
    return folder if folder.is_absolute() else None  # there may be no home
