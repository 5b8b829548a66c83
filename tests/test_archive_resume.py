"""Runs that end early and go on: nothing is lost or doubled, and an archive of something else is refused."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archiving import TEXTS, csv, jsonl, many, rows_of

import certainty
from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import ArchiveResult, ArchiveSettings, score_archive
from certainty.archive import documents as archive_documents
from certainty.archive import parts as archive_parts
from certainty.archive import scoring as archive_scoring
from certainty.cli import main


def places(folder: Path) -> list[tuple[str, str, int]]:
    return [(row["file"], row["id"], row["sentence"]) for row in rows_of(folder)]


def killed(step: int, run: Callable[[], object]) -> None:
    """Do the run in a child process, which is killed at a step: before it flushes a folder, or writes a record."""

    def child() -> None:
        steps = iter(range(10_000))

        def dying(function: Callable[..., None], *args: Any) -> None:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            function(*args)

        for name in ("sync_folder", "write_whole"):
            setattr(archive_parts, name, partial(dying, getattr(archive_parts, name)))
        run()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(90)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("form", "is_held_by_size"), [("parquet", False), ("parquet", True), ("jsonl", False)])
def test_a_killed_run_loses_and_doubles_nothing(
    form: Any, is_held_by_size: bool, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_held_by_size:  # each document by itself, and a few rows in each group
        monkeypatch.setattr(archive_scoring, "_COLUMNS_AHEAD", 50)
        monkeypatch.setattr(archive_parts, "_ROW_GROUP_BYTES", 2_000)
    (here / "a.jsonl").write_bytes(jsonl([*many(14), "no object"]))
    (here / "b.csv").write_bytes(csv(many(8)))
    settings = ArchiveSettings(part_sentences=12, format=form)

    def run() -> ArchiveResult:
        return score_archive(["a.jsonl", "b.csv"], "killed", settings=settings, resume=True, classifier=classifier)

    for step in (0, 1, 4, 5, 9):
        killed(step, run)
    assert rows_of(here / "killed")
    assert run().sentences == 22 * 3
    monkeypatch.undo()
    monkeypatch.chdir(here)
    score_archive(["a.jsonl", "b.csv"], "whole", classifier=classifier, settings=settings)
    for table in ("sentences", "errors"):
        assert rows_of(here / "killed", table) == rows_of(here / "whole", table)
    assert len(set(places(here / "killed"))) == 22 * 3


def test_a_part_that_has_vanished_or_is_damaged_is_scored_again(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.jsonl").write_bytes(jsonl(many(30)))
    settings = ArchiveSettings(part_sentences=30)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    whole = rows_of(here / "scored")
    first, second, _ = sorted((here / "scored/sentences").iterdir())
    second.write_bytes(second.read_bytes()[:-7])
    kept = first.stat().st_mtime_ns
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert rows_of(here / "scored") == whole
    assert first.stat().st_mtime_ns == kept


def test_an_archive_whose_empty_folders_a_copy_has_lost_goes_on(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.jsonl").write_bytes(jsonl([*many(4), "no object"]))
    settings = ArchiveSettings(part_sentences=4)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    for path in (*(here / "scored/errors").iterdir(), *sorted((here / "scored/parts").iterdir())[1:]):
        path.unlink()
    (here / "scored/errors").rmdir()
    result = score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert (result.documents, result.errors) == (4, 1)
    assert len(rows_of(here / "scored", "errors")) == 1


@pytest.mark.parametrize("again", [0, 1, 2, 3])
def test_a_partly_scored_file_that_may_no_longer_be_read_is_an_error(
    again: int, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.jsonl").write_bytes(jsonl(many(12)))
    settings = ArchiveSettings(part_sentences=4)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    for record in sorted((here / "scored/parts").iterdir())[1:]:
        record.unlink()  # two documents are left
    parse, calls = archive_documents.parse_json_line, iter(range(100))

    def refused(*given: Any) -> Any:
        if next(calls) == again:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return parse(*given)

    monkeypatch.setattr(archive_documents, "parse_json_line", refused)
    with pytest.raises(CertaintyError, match=r"^a\.jsonl: cannot be read \(Permission denied\).*--strict stops here"):
        score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True, strict=True)
    calls = iter(range(100))
    result = score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert (result.documents, result.errors) == (max(2, again), 1)
    (error,) = rows_of(here / "scored", "errors")
    assert (error["file"], error["row"], error["stage"]) == ("a.jsonl", None, "read")


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_full_disk_leaves_whole_parts_and_the_run_goes_on(
    form: Any, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    (here / "a.jsonl").write_bytes(jsonl(many(30)))
    settings = ArchiveSettings(part_sentences=30, format=form)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))  # less than a part has
        with pytest.raises(CertaintyError, match=r"part-000000000-000000.*cannot be written \(File too large\)"):
            score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert rows_of(here / "scored") == []
    # Some file systems only find out when the content is flushed.
    fsync, calls = os.fsync, iter(range(1000))

    def full(descriptor: int) -> None:
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("certainty.writing.os.fsync", full)
        with pytest.raises(CertaintyError, match="No space left on device"):
            score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert len(rows_of(here / "scored")) in (30, 60)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert len(set(places(here / "scored"))) == len(places(here / "scored")) == 90


def test_what_the_model_cannot_tell_is_null_and_an_archive_that_did_not_say_so_goes_on(
    here: Path, tiny_model: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, here / "cut"))
    settings = json.loads((folder / "certainty.json").read_text())
    (folder / "certainty.json").write_text(json.dumps(settings | {"heads": []}))
    classifier = certainty.load(folder, threads=1)
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    score_archive("a.txt", "scored", classifier=classifier)
    for row in rows_of(here / "scored"):
        assert [row[name] for name in ("claim_probability", "is_claim", "attributed")] == [None] * 3
        assert row["label"] != "no_claim"
    manifest = json.loads((here / "scored/manifest.json").read_text())
    assert manifest["model"].pop("heads") == []
    (here / "scored/manifest.json").write_text(json.dumps(manifest))
    score_archive("a.txt", "scored", classifier=classifier, resume=True)


def test_another_model_settings_or_inputs_are_refused(
    here: Path, classifier: CertaintyClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    score_archive("a.txt", "scored", classifier=classifier)
    before = {path: path.read_bytes() for path in (here / "scored").rglob("part-*")}

    def refused(message: str, inputs: Any = "a.txt", resume: bool = True, **given: Any) -> None:
        with pytest.raises(CertaintyError, match=message):
            score_archive(inputs, "scored", **{"classifier": classifier, "resume": resume} | given)

    refused("already exists; give --resume", resume=False)
    refused(r"settings.force is True, and was False", settings=ArchiveSettings(force=True))
    refused(r"thresholds.claim_threshold is 0.9, and was 0.45", classifier=classifier.with_thresholds(claim=0.9))
    used = classifier.engine
    swapped = certainty.load(engine="onnx" if used == "onnx-int8" else "onnx-int8", threads=1)
    refused(f"engine is {swapped.engine!r}, and was {used!r}", classifier=swapped)
    other = certainty.load(threads=1)
    vars(other)["model"] = certainty.ModelInfo("mine", None, "0" * 64)
    refused(r"model.digest is '0000.*, and was '[0-9a-f]{64}'", classifier=other)
    classifier.save_pretrained("retyped")  # the same weights, and another tokenizer
    tokenizer = here / "retyped/tokenizer.json"
    tokenizer.write_text(tokenizer.read_text("utf-8") + "\n", "utf-8")
    refused(r"files.tokenizer.json is '[0-9a-f]{64}', and was '", classifier=certainty.load("retyped", threads=1))
    (here / "b.txt").write_text("Il pleut.")
    refused("the inputs have changed: b.txt is where no further file was", ["a.txt", "b.txt"])
    (here / "a.txt").write_text("Il pleut.")
    refused("a.txt has changed: it has 9 bytes, and had")
    assert {path: path.read_bytes() for path in (here / "scored").rglob("part-*")} == before
    (here / "mine").mkdir()
    (here / "mine/thesis.odt").touch()
    assert main(["archive", "a.txt", "-o", "mine", "--resume", "--threads", "1"]) == 2
    assert "has other files, such as thesis.odt" in capsys.readouterr().err


def test_a_manifest_or_a_list_of_inputs_of_something_else_is_refused(
    here: Path, classifier: CertaintyClassifier
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    (here / "app").mkdir()
    (here / "app/manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(CertaintyError, match=r"^app/manifest\.json: damaged \('format_version'\)"):
        score_archive("a.txt", "app", classifier=classifier, resume=True)
    assert [path.name for path in (here / "app").iterdir()] == ["manifest.json"]
    score_archive("a.txt", "scored", classifier=classifier)
    for line in ('{"error": "late"}', '{"size": 3}', '{"name": "a.txt", "size": 3, "error": 4}'):
        (here / "scored/inputs.jsonl").write_text(f"{line}\n")
        with pytest.raises(CertaintyError, match=r"^scored/inputs\.jsonl, line 1: is not an input; get the file again"):
            score_archive("a.txt", "scored", classifier=classifier, resume=True)


def test_two_runs_do_not_write_the_same_archive(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    nested = []

    def progress(sentences: int, share: float | None) -> None:
        if not nested:
            with pytest.raises(CertaintyError, match="another process is writing it"):
                score_archive("a.txt", "scored", classifier=classifier, resume=True)
            nested.append(share)

    score_archive("a.txt", "scored", classifier=classifier, show_progress=progress)
    assert nested


def test_a_run_that_begins_while_another_does_is_compared_with_it(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    of = archive_scoring.KeptColumns.of

    def meanwhile(*args: Any) -> Any:
        monkeypatch.undo()
        monkeypatch.chdir(here)
        score_archive("a.txt", "scored", classifier=classifier, resume=True)
        return of(*args)

    monkeypatch.setattr(archive_scoring.KeptColumns, "of", meanwhile)
    with pytest.raises(CertaintyError, match="was scored otherwise"):
        score_archive("a.txt", "scored", classifier=classifier, resume=True, settings=ArchiveSettings(force=True))
