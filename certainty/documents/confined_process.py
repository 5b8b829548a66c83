"""What runs in the process that `certainty.documents.confined` starts."""

from __future__ import annotations

import json
import math
import os
import sys

from certainty.documents.extraction import quiet, unreadable
from certainty.documents.pdf import read_pdf
from certainty.errors import CertaintyError


def main() -> None:
    """Answer one request after the other, until the input ends.

    A request is a line of JSON with the `name` and `size` of a document and the `seconds` and `memory` that it may
    take, and then the document. The answer is a line of JSON with its `text`, or the message of an `error`.
    """
    own = _address_space()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints is taken for an answer
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        _limit(request["seconds"], own + request["memory"])
        answers.write(json.dumps(_answer(sys.stdin.buffer.read(request["size"]), request["name"])).encode() + b"\n")
        answers.flush()


def _answer(data: bytes, name: str) -> dict[str, str]:
    try:
        with quiet():
            return {"text": read_pdf(data, name)}
    except CertaintyError as error:
        return {"error": str(error)}
    except MemoryError:
        raise  # what is left of its objects may leave too little for the next document
    except Exception as error:  # on damaged files, pypdf raises exceptions of almost any type
        return {"error": str(unreadable(name, "pdf", error))}


def _address_space() -> int:
    """Return the bytes of memory that this process has asked for; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", "rb") as status:
        return int(status.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _limit(seconds: int, memory: int) -> None:
    """Let the system end this process if it takes so many seconds more, and refuse it more memory."""
    if sys.platform == "win32":
        return  # the process that waits for the answer ends this one
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)
    if sys.platform == "linux":  # other systems do not keep to it
        _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(limit: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
