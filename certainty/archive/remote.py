"""Read files of file systems that are not local, and tell apart why one cannot be read.

A failure that passes (a connection, a time-out, a status from 500 on) is tried again; if it lasts, it is a
`ConnectionError`, as another run may not meet it. So is a right to read that has expired, without which all further
files are refused. A refusal of this one file (it is not there, or may not be read) is a `CertaintyError`.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from certainty.errors import CertaintyError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from tenacity import Retrying

T = TypeVar("T")

_PASSING = frozenset({408, 425, 429})  # and all from 500 on: statuses that another attempt may not meet
_MISSING = frozenset({404, 410})
_PASSING_CODES = frozenset({"RequestTimeout"})  # of S3, with the status 400
_REFUSED = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_LASTING = (*_REFUSED, ValueError, NotImplementedError)
_EXPIRED = frozenset({401, 407})
# Of S3, which has the status 403 for most of these as for a single object. An answer without a body has a status only;
# that of an expired token is 400.
_EXPIRED_CODES = frozenset(
    {
        *("AccountProblem", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed"),
        *("SignatureDoesNotMatch", "TokenRefreshRequired", "400"),
    }
)
_CONNECT_SECONDS, _SILENT_SECONDS = 30, 120


def options_of(url: str) -> dict[str, Any]:
    """Return how fsspec is to open the file system of a URL; on the web, a transfer may last, but not stall."""
    if not _is_on_the_web(url):
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
    return {"client_kwargs": {"timeout": timeout}}


def looked_up(name: str, look: Callable[..., T], *args: Any, **given: Any) -> T:
    """Return what a call to a file system finds, before anything is read.

    Raises:
        CertaintyError: If there is no such file, or it cannot be read by whoever asks.
        ConnectionError: If it could not be reached, or the right to read has expired; another attempt may.
    """
    try:
        return _retrying()(look, *args, **given)
    except Exception as error:  # a file system raises exceptions of the libraries that it is made of
        if isinstance(error, ImportError):
            raise
        if _is_passing(error) or _code(error) in _EXPIRED_CODES:
            raise _failed(name, error) from error
        raise _refused(name, error) from error


def open_remote(filesystem: Any, path: str, name: str) -> BinaryIO:
    """Open a file, whose reads are tried again.

    Raises:
        CertaintyError: If it is not there or may not be read, or, while it is read, any more.
        ConnectionError: If it cannot be read for another reason.
    """
    if _is_on_the_web(name):
        info = _attempted(name, filesystem.info, path)
        if not (info.get("partial") and info.get("size")):
            return _attempted(name, _downloaded, filesystem, path)
    return cast(BinaryIO, _RemoteFile(_attempted(name, filesystem.open, path, "rb"), name))


def _is_on_the_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _downloaded(filesystem: Any, path: str) -> BinaryIO:
    """Return a file of which the server gives no parts: a broken connection would end its only reading."""
    whole = tempfile.TemporaryFile()  # noqa: SIM115  closed by whoever reads it
    with filesystem.open(path, "rb", block_size=0) as stored:
        shutil.copyfileobj(stored, whole)
    whole.seek(0)
    return cast(BinaryIO, whole)


class _RemoteFile(io.RawIOBase):
    """A file that fsspec has opened, whose position only moves if a read succeeds."""

    def __init__(self, stored: Any, name: str) -> None:
        self._stored, self._name = stored, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stored.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stored.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stored.tell())

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = _attempted(self._name, self._stored.read, len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stored.close()
        super().close()


def _attempted(name: str, call: Callable[..., T], *args: Any) -> T:
    try:
        return _retrying()(call, *args)
    except Exception as error:
        raise (_refused if _is_refused(error) else _failed)(name, error) from error


def _refused(name: str, error: BaseException) -> CertaintyError:
    if _status(error) in _MISSING or (isinstance(error, FileNotFoundError) and _status(error) is None):
        return CertaintyError(f"{name}: no such file; check the name and the folder.")
    return CertaintyError(f"{name}: cannot be read ({_told(error)}); check the address, and that you may read it.")


def _failed(name: str, error: BaseException) -> ConnectionError:
    mend = "" if _is_passing(error) else "; renew your right to read, or begin a new folder without it"
    return ConnectionError(f"{name}: cannot be read now: {_told(error)}{mend}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it: on the web, fsspec says of any failure that there is no such file."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error of aiohttp or botocore."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        answer = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        status = getattr(cause, "status", answer.get("HTTPStatusCode"))
        if isinstance(status, int):
            return status
    return None


def _code(error: BaseException) -> str | None:
    """Return the code of an error of S3."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code"))
    return None


def _is_refused(error: BaseException) -> bool:
    """Return whether a file that was found cannot be read although the right to read others has not expired."""
    if _is_passing(error) or _code(error) in _EXPIRED_CODES:
        return False
    status = _status(error)
    if status is not None:
        return 400 <= status < 500 and status not in _EXPIRED
    *_, first = _causes(error)
    return isinstance(first, _REFUSED)


def _is_passing(error: BaseException) -> bool:
    if _code(error) in _PASSING_CODES:
        return True
    status = _status(error)
    if status is not None:
        return status >= 500 or status in _PASSING
    *_, first = _causes(error)
    return isinstance(first, Exception) and not isinstance(first, _LASTING)


def _told(error: BaseException) -> str:
    *_, first = _causes(error)
    status, message = _status(error), getattr(first, "message", None) or str(first)
    return f"status {status} ({message})" if status is not None else f"{type(first).__name__}: {message}"


@cache
def _retrying() -> Retrying:
    """Return what calls a function up to four times, after 1, 2 and 4 seconds."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    retry = retry_if_exception(_is_passing)
    return Retrying(stop=stop_after_attempt(4), wait=wait_exponential(), retry=retry, reraise=True)
