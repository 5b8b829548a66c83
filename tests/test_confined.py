"""PDFs that would take hours or fill the memory are one error each, and the next one is read."""

from __future__ import annotations

import errno
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from certainty import CertaintyError, read_files
from certainty.documents import confined
from certainty.documents.extraction import extracted_text
from certainty.documents.pdf import pdf_text

pytest.importorskip("pypdf", reason="pypdf is not installed: pip install '.[documents]'")

SHOW = b"BT /F 1 Tf (Il pleut.) Tj ET\n"
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
ONE_PAGE = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def pdf(*objects: bytes) -> bytes:
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def page(fonts: bytes = b"/F 4 0 R") -> bytes:
    return b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<<%b>>>>/Contents 5 0 R>>" % fonts


def stream(content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"<</Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (len(packed), packed)


def shown(content: bytes) -> bytes:
    return pdf(CATALOG, ONE_PAGE, page(), FONT, stream(content))


def tree_of_a_billion_pages() -> bytes:
    nodes = [b"<</Type/Pages/Kids[%b]/Count 10>>" % (b"%d 0 R " % (i + 1) * 10) for i in range(2, 11)]
    return pdf(CATALOG, *nodes, b"<</Type/Page/Parent 10 0 R/MediaBox[0 0 9 9]>>")


def font_of_65536_signs_20000_times() -> bytes:
    signs = b"1 begincodespacerange <0000><ffff> endcodespacerange 1 beginbfrange <0000> <ffff> <0000> endbfrange"
    fonts = b"".join(b"/F%d 4 0 R" % i for i in range(20_000))
    return pdf(CATALOG, ONE_PAGE, page(fonts), FONT[:-2] + b"/ToUnicode 6 0 R>>", stream(SHOW), stream(signs))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: shown(bytes(80_000_000)), "cannot be read as PDF"),
        (tree_of_a_billion_pages, "cannot be read as PDF"),
        (lambda: shown(b"[" * 3_000_000 + SHOW), "cannot be read as PDF"),
        (lambda: shown(SHOW * 200_000), "takes over 1 s to read"),
        pytest.param(
            font_of_65536_signs_20000_times,
            "takes over 40 MB of memory to read",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process"),
        ),
    ],
)
def test_a_bomb_is_one_error(
    data: Callable[[], bytes], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "SECONDS", 1 if "takes over 1 s" in message else 60)  # slow machines need more
    if "memory" in message:
        monkeypatch.setattr(confined, "MEMORY", 40_000_000)
    (tmp_path / "bomb.pdf").write_bytes(data())
    (tmp_path / "good.pdf").write_bytes(shown(SHOW))
    with pytest.raises(CertaintyError, match=rf"^\S+bomb\.pdf: .*{message}"):
        list(read_files(tmp_path / "bomb.pdf"))
    monkeypatch.undo()
    assert [text for text, _ in read_files(tmp_path / "good.pdf")] == ["Il pleut."]


def test_in_an_archive_a_bomb_is_a_row_of_the_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("duckdb", "filelock", "fsspec", "pyarrow", "tenacity"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install '.[archive]'")
    from certainty.archive import ArchiveSettings, score_archive

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(confined, "SECONDS", 1)
    Path("a.pdf").write_bytes(shown(SHOW * 200_000))
    Path("b.pdf").write_bytes(shown(SHOW))
    result = score_archive(["a.pdf", "b.pdf"], "scored", settings=ArchiveSettings(format="jsonl"))
    assert (result.documents, result.errors) == (1, 1)
    (row,) = (path.read_text(encoding="utf-8") for path in Path("scored/errors").iterdir())
    assert "a.pdf: is a PDF that takes over 1 s to read" in row


def test_a_process_that_cannot_be_started_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.chdir(tmp_path)
    Path("a.pdf").write_bytes(shown(SHOW))
    confined._reader.stop()
    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", refuse)
        with pytest.raises(CertaintyError, match=r"^a\.pdf: cannot be read now: no process can be started"):
            list(read_files("a.pdf"))
    for module in ("duckdb", "filelock", "fsspec", "pyarrow", "tenacity"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install '.[archive]'")
    from certainty.archive import ArchiveSettings, score_archive

    settings = ArchiveSettings(format="jsonl")
    with monkeypatch.context() as patch, pytest.raises(confined.NoProcessError):
        patch.setattr("subprocess.Popen", refuse)
        score_archive("a.pdf", "scored", settings=settings)
    result = score_archive("a.pdf", "scored", settings=settings, resume=True)
    assert (result.documents, result.errors) == (1, 0)


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_process_that_died_while_idle_is_not_blamed_on_the_next(
    is_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf_text(shown(SHOW), "a.pdf")
    process = confined._reader._process
    assert process
    process.kill()
    process.wait()
    if not is_seen:  # as if it ended between the look and the request
        monkeypatch.setattr(process, "poll", lambda: None)
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."


def test_any_error_of_the_pipe_means_that_the_process_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.BytesIO):
        def flush(self) -> None:
            if not self.closed:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    pdf_text(shown(SHOW), "a.pdf")
    process = confined._reader._process
    assert process and process.stdin
    process.stdin.close()
    monkeypatch.setattr(process, "stdin", Closed())
    monkeypatch.setattr(process, "communicate", process.wait)
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."


def test_a_thread_that_cannot_be_started_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, pytest.raises(confined.NoProcessError, match=r"^can't start new thread"):
        patch.setattr("threading.Timer.start", refuse)
        extracted_text(shown(SHOW), "pdf", "a.pdf")
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."


@pytest.mark.parametrize("module", ["json", "pypdf"])
def test_a_process_that_fails_while_it_starts_is_told(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{module}.py").write_text("raise ImportError('out of order')")
    (tmp_path / "a.pdf").write_bytes(shown(SHOW))
    import_module("pypdf")
    confined._reader.stop()
    with monkeypatch.context() as patch, pytest.raises(CertaintyError) as told:
        patch.syspath_prepend(tmp_path)
        list(read_files(tmp_path / "a.pdf"))
    assert f"does not start with {sys.executable} (ImportError: out of order)" in str(told.value)
    with monkeypatch.context() as patch, pytest.raises(confined.NoProcessError, match="status"):
        patch.setattr(confined, "_SECONDS_TO_START", 0)
        pdf_text(shown(SHOW), "a.pdf")
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."


def test_where_the_system_limits_no_time_the_wait_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_PATIENCE", 0.01)
    with pytest.raises(CertaintyError, match=r"^a\.pdf: is a PDF that takes over"):
        pdf_text(shown(SHOW * 200_000), "a.pdf")


def test_the_process_is_kept_and_shared_by_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."
    monkeypatch.setattr("subprocess.Popen", None)  # no other is started
    found: dict[int, str] = {}

    def read(number: int) -> None:
        found[number] = pdf_text(shown(SHOW * number), "a.pdf").replace("\n", "")

    threads = [threading.Thread(target=read, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: "Il pleut." * number for number in range(1, 9)}


def read_in_child(number: int) -> str:
    return pdf_text(shown(SHOW * number), "a.pdf").replace("\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_processes_have_their_own() -> None:
    assert read_in_child(1) == "Il pleut."
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(read_in_child, range(1, 9)) == ["Il pleut." * number for number in range(1, 9)]
    assert read_in_child(2) == "Il pleut." * 2


def closed_pipes(pipes: tuple[int, int]) -> list[int]:
    return [pipe for pipe in pipes if not os.path.exists(f"/proc/self/fd/{pipe}")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the open files of a process")
def test_a_fork_closes_the_pipes_of_its_parent() -> None:
    pdf_text(shown(SHOW), "a.pdf")
    process = confined._reader._process
    assert process and process.stdin and process.stdout
    pipes = process.stdin.fileno(), process.stdout.fileno()
    ends, begins = os.pipe()
    child = os.fork()
    if not child:
        os.write(begins, bytes([len(closed_pipes(pipes))]))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ends, 1) == b"\2"
    os.close(ends)
    os.close(begins)
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows, pipes are not inherited by number")
def test_a_program_ends_while_another_holds_the_input_of_its_process(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(shown(SHOW))
    code = (
        "import subprocess, sys; from certainty import read_files; from certainty.documents import confined; "
        "list(read_files('a.pdf')); "
        "subprocess.Popen([sys.executable, '-c', 'input()'], pass_fds=[confined._reader._process.stdin.fileno()])"
    )
    program = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE)
    try:
        assert program.wait(timeout=60) == 0
    finally:
        program.communicate(b"\n")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no alarm")
def test_an_interrupted_document_does_not_answer_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    pdf_text(shown(SHOW), "a.pdf")
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            pdf_text(shown(SHOW * 200_000), "long.pdf")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert pdf_text(shown(SHOW), "a.pdf") == "Il pleut."
