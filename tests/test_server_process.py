"""`certainty serve` as a process: how it ends, and what keeps it from starting."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from serving import begin_stream, metric, problem, read_answer, send_line, wait_for

from certainty.cli import main


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        yield process, found[0]
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_answers_what_is_under_way_and_refuses_what_is_new(process: tuple[subprocess.Popen[str], str]) -> None:
    running, address = process
    long_one = "\n".join(f"Le maire numéro {i} aurait démenti SECRET, selon la presse." for i in range(1000))
    with httpx2.Client(base_url=address, timeout=60) as client, ThreadPoolExecutor(1) as pool:
        stream = begin_stream(address)
        answers = stream.makefile("rb")
        send_line(stream, {"text": "Il pleut."})
        assert read_answer(answers)["text"] == "Il pleut."
        answer = pool.submit(httpx2.post, f"{address}/v1/score", json={"text": long_one}, timeout=60)
        wait_for(lambda: metric(client, "certainty_requests_under_way") == 2)
        running.send_signal(signal.SIGTERM)
        assert read_answer(answers)["error"]["status"] == 503
        stream.close()
        wait_for(lambda: client.get("/readyz").status_code == 503)
        problem(client.post("/v1/score", json={"text": "Il pleut."}), 503)
        assert client.get("/healthz").status_code == 200
        assert len(answer.result().json()["sentences"]) == 1000
    _, logged = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "POST /v1/score 200" in logged
    assert "SECRET" not in logged and "Traceback" not in logged


def test_a_port_that_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: 127.0.0.1, port {port}: cannot listen there (") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "port is '70000'; it must be less than or equal to 65535 (option --port, variable "),
        (["--max-texts", "0"], "max_texts is '0'"),
        (["--timeout", "nan"], "timeout is 'nan'"),
        (["--model", "no/such/model/folder", "--port", "0"], "no such folder"),
    ],
)
def test_options_that_cannot_be_used(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["serve", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_extra_is_named_where_it_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve", "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: the server needs fastapi (") and said.endswith("'certainty-fr[server]'.\n")
