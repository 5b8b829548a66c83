"""What runs in the process that `certainty.documents.confined` starts."""

from __future__ import annotations

import gc
import json
import math
import os
import sys
import threading
import time
from importlib import import_module
from typing import NamedTuple

from certainty.documents.confined import READY
from certainty.documents.extraction import quiet, unreadable
from certainty.documents.pdf import read_pdf
from certainty.errors import CertaintyError

OUT_OF_MEMORY = 77
"""Status with which the process ends if a document takes more memory than is allowed."""

_INTERVAL = 0.05  # seconds between two looks at the memory


def main() -> None:
    """Write that it is ready, and answer one request after the other, until the input ends.

    A request is a line of JSON with the `name` and `size` of a document and the `seconds` and `memory` that it may
    take, and then the document. The answer is a line of JSON with its `text`, or the message of an `error`.
    """
    import_module("pypdf")  # now: a failure is none of a document
    memory = _Memory()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with open(os.devnull, "wb") as nothing:  # nothing that a library prints is taken for an answer, or fills the disk
        os.dup2(nothing.fileno(), sys.stdout.fileno())
        os.dup2(nothing.fileno(), sys.stderr.fileno())
    answers.write(READY)
    answers.flush()
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        data = sys.stdin.buffer.read(request["size"])
        _limit_time(request["seconds"])
        memory.limit(request["memory"])
        answer = _answer(data, request["name"])
        memory.end_if_exceeded()
        memory.limit(None)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _answer(data: bytes, name: str) -> dict[str, str]:
    try:
        with quiet():
            return {"text": read_pdf(data, name)}
    except CertaintyError as error:
        return {"error": str(error)}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # on damaged files, pypdf raises exceptions of almost any type
        return {"error": str(unreadable(name, "pdf", error))}


class _Memory:
    """Ends the process when a document takes too much memory; only on Linux.

    Where the system refuses memory, pypdf leaves out the font that needed it, and so the text without a word. So that
    limit, which is twice as high, only stops what grows faster than it can be seen; then the peak tells.
    """

    def __init__(self) -> None:
        self._most: int | None = None
        if sys.platform == "linux":
            watching = threading.Event()
            threading.Thread(target=self._watch, args=(watching,), daemon=True).start()
            watching.wait()  # a thread reserves memory when it first asks for some, which is none of a document
            self._own = _used_memory()

    def limit(self, memory: int | None) -> None:
        """Let the next document take so many bytes; None ends the watch."""
        if sys.platform != "linux":
            return
        import resource

        if memory is None:
            self._most = None
            return
        if _used_memory().held > self._own.held + memory // 2:
            gc.collect()
        _lower(resource.RLIMIT_AS, self._own.asked + 2 * memory)
        self._most = self._own.held + memory

    def end_if_exceeded(self) -> None:
        """End the process if the document took more than it may, which the watch can miss on a busy machine."""
        if self._most is not None and _used_memory().peak > self._most:
            os._exit(OUT_OF_MEMORY)

    def _watch(self, watching: threading.Event) -> None:
        _used_memory()
        watching.set()
        while True:
            time.sleep(_INTERVAL)
            most = self._most
            if most is not None and _used_memory().held > most:
                os._exit(OUT_OF_MEMORY)


class _UsedMemory(NamedTuple):
    asked: int  # bytes, of which the system gives each when it is first written
    held: int  # bytes
    peak: int  # the most bytes that were ever held


def _used_memory() -> _UsedMemory:
    with open("/proc/self/status", "rb") as status:
        kibibytes = {line[0]: int(line[1]) for line in map(bytes.split, status) if line[0].startswith(b"Vm")}
    return _UsedMemory(*(1024 * kibibytes[name] for name in (b"VmSize:", b"VmRSS:", b"VmHWM:")))


def _limit_time(seconds: int) -> None:
    """Let the system end this process if it takes so many seconds more."""
    if sys.platform == "win32":
        return  # the process that waits for the answer ends this one
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(limit: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
