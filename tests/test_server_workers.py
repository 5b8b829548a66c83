"""`certainty serve` as processes: several workers, HTTPS."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")


@contextmanager
def served(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0", *options]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"https?://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            yield process, found[0]
        finally:
            process.kill()


def answering(address: str) -> set[int]:
    """Return when the processes that answer began, in milliseconds; each connection may meet another one."""
    ids = set()
    for _ in range(20):
        metrics = httpx2.get(f"{address}/metrics", timeout=60).text
        if began := re.search(r"^process_start_time_seconds (\S+)$", metrics, re.MULTILINE):
            ids.add(round(float(began[1]) * 1000))
    return ids


def children(process: subprocess.Popen[str]) -> set[int]:
    """Return the ids of the workers."""
    task = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in task.read_text().split()}
    return {pid for pid, command in commands.items() if b"spawn_main" in command}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_workers_share_a_port_are_replaced_and_end_together() -> None:
    with served("--workers", "2", "--log-level", "warning", CERTAINTY_THREADS="1") as (process, address):
        wait_for(lambda: len(children(process)) == 2)
        assert httpx2.post(f"{address}/v1/score", json={"text": "Moscou dément."}, timeout=60).status_code == 200
        wait_for(lambda: len(answering(address)) == 2)
        old = children(process)
        os.kill(victim := min(old), signal.SIGKILL)
        wait_for(lambda: len(children(process) - {victim}) == 2)
        wait_for(lambda: len(answering(address)) == 2)
        workers = children(process)
        long_one = "\n".join(f"Le maire numéro {i} aurait démenti, selon la presse." for i in range(1000))
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(httpx2.post, f"{address}/v1/score", json={"text": long_one}, timeout=120)
            wait_for(lambda: "certainty_requests_under_way 1.0" in httpx2.get(f"{address}/metrics", timeout=60).text)
            process.send_signal(signal.SIGTERM)
            assert len(answer.result().json()["sentences"]) == 1000
        _, logged = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "a worker ended with status -9" in logged
        assert "POST /v1/score" not in logged and "Traceback" not in logged
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_workers_without_a_model_say_so_once() -> None:
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0", "--workers", "2"]
    done = subprocess.run([*command, "--model", "no/such/model/x"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.count("error: no/such/model/x: no such folder") == 1 and "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_https(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True)
    with served("--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)) as (process, address):
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert httpx2.get(f"{address}/healthz", verify=trusting).json() == {"status": "up"}
        process.terminate()
        assert process.wait(60) == 0
