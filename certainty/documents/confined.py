"""Read PDFs in a process of its own, whose time and memory the system limits.

The limits of pypdf bound a single stream or list, but not what a page refers to a thousand times. The process is kept
for the next document, since starting it takes longer than reading most; `certainty.documents.confined_process` is what
runs in it.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from certainty.errors import CertaintyError
from certainty.forking import keep_for_ever

SECONDS, SECONDS_PER_MB = 60, 30
"""Processor time that a document may take, and what each of its megabytes adds."""
MEMORY = 2_000_000_000
"""Bytes that a document may take; they are only limited on Linux."""
READY = b"ready\n"
"""What the process writes when it has imported all it needs."""

_SECONDS_TO_START = 120
_PATIENCE = 10  # times the processor time, where the system does not limit that or the machine is busy
_OUT_OF_TIME = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None  # status; Windows does not limit the time


class NoProcessError(OSError):
    """Raised if the process that reads PDFs cannot be started, which is no fault of the document."""


def confined_pdf_text(data: bytes, name: str) -> str:
    """Return the text of a PDF, as `certainty.documents.pdf.read_pdf` does.

    Raises:
        CertaintyError: If the PDF cannot be read, or takes more time or memory than is allowed.
        NoProcessError: If no process can be started.
    """
    seconds = SECONDS + SECONDS_PER_MB * len(data) // 1_000_000
    request = {"name": name, "size": len(data), "seconds": seconds, "memory": MEMORY}
    try:
        answer = _reader.ask(json.dumps(request).encode() + b"\n" + data, _PATIENCE * seconds)
    except TimeoutError:
        raise CertaintyError(
            f"{name}: is a PDF that takes over {seconds} s to read, more than is allowed; save its text as plain text, "
            "such as with `pdftotext`."
        ) from None
    except ChildProcessError as error:
        raise CertaintyError(
            f"{name}: is a PDF that takes over {MEMORY / 1e6:,.0f} MB of memory to read, or makes pypdf crash "
            f"({error}); save its text as plain text, such as with `pdftotext`."
        ) from None
    found: dict[str, str] = json.loads(answer)
    if "error" in found:
        raise CertaintyError(found["error"])
    return found["text"]


class _Reader:
    """The process that reads one document after the other; it ends if it exceeds a limit, and is started again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: bytes, patience: float) -> bytes:
        """Return the line that the process answers.

        Raises:
            NoProcessError: If it cannot be started.
            TimeoutError: If it takes too long.
            ChildProcessError: If it ends for another reason, such as a lack of memory.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self.stop()
            has_answered = self._process is not None
            try:
                return self._ask(request, patience)
            except ChildProcessError:
                if not has_answered:  # else it may have ended for a reason of its own
                    raise
            return self._ask(request, patience)

    def _ask(self, request: bytes, patience: float) -> bytes:
        process = self._process = self._process or _started()
        try:
            with _ended_after(patience, process) as expired:
                answer = _exchanged(process, request)
        except BaseException:  # an interrupted exchange would leave its answer to the next
            process.kill()
            self._process = None
            raise
        if not answer:
            self.stop()
            if expired.is_set() or process.returncode == _OUT_OF_TIME:
                raise TimeoutError
            raise ChildProcessError(f"status {process.returncode}")
        return answer

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def kill(self) -> None:
        """End the process, if there is one, even where another that was started meanwhile holds its input open."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def renew_after_fork(self) -> None:
        """Leave the process to the parent, and close its pipes: it ends when nobody can write to it any more."""
        if self._process is not None:
            # Destroyed, its files would write what they hold, and close others' descriptors.
            keep_for_ever(self._process)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None and not pipe.closed:
                    os.close(pipe.fileno())
        self.__init__()  # type: ignore[misc]


def _started() -> subprocess.Popen[bytes]:
    # Isolated, so that it imports no module of the current folder that this process would not import.
    code = f"import sys; sys.path[:] = {sys.path!r}; from certainty.documents.confined_process import main; main()"
    try:
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for this process alone
            )
            _await_ready(process, errors)
            return process
    except NoProcessError:
        raise
    except OSError as error:
        raise NoProcessError(
            f"no process can be started that reads PDFs ({error}); end other programs, or try again later"
        ) from error


def _await_ready(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    assert process.stdout
    try:
        with _ended_after(_SECONDS_TO_START, process):
            is_ready = process.stdout.readline() == READY
    except BaseException:
        process.kill()
        raise
    if is_ready:
        return
    process.kill()
    process.communicate()
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines() or [f"status {process.returncode}"]
    raise NoProcessError(
        f"the process that reads PDFs does not start with {sys.executable} ({lines[-1]:.500}); check that this Python "
        "can import certainty and pypdf"
    )


@contextmanager
def _ended_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """Kill a process after a time, and set what is yielded."""
    expired = threading.Event()

    def end() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    try:
        timer.start()
    except RuntimeError as error:
        raise NoProcessError(f"{error}; end other programs, or try again later") from error
    try:
        yield expired
    finally:
        timer.cancel()


def _exchanged(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    assert process.stdin and process.stdout
    try:
        process.stdin.write(request)
        process.stdin.flush()
    except OSError:  # the process has ended, for which systems have several errors
        return b""
    return process.stdout.readline()


_reader = _Reader()
atexit.register(_reader.kill)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reader.renew_after_fork)
