"""Run several processes that answer on one socket."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType
from typing import NamedTuple

logger = logging.getLogger(__name__)
_SPAWN = multiprocessing.get_context("spawn")

Target = Callable[[socket.socket, Event], None]


class _Worker(NamedTuple):
    process: SpawnProcess
    started: Event


class Workers:
    """Keep a number of processes running; a process that dies is replaced, unless it never accepted requests.

    Args:
        target: Function that each process runs on the socket until SIGTERM; it sets the event once it accepts requests.
            It must be importable: a function of a module, or a `partial` of one.
        bound: The socket.
        count: Number of processes.
    """

    def __init__(self, target: Target, bound: socket.socket, count: int) -> None:
        self._target, self._bound, self._count = target, bound, count
        self._workers: list[_Worker] = []
        self._closing = False

    def run(self, on_started: Callable[[], None]) -> bool:
        """Start the processes and keep them until SIGTERM or Ctrl-C.

        Args:
            on_started: Called once the first process accepts requests.

        Returns:
            True if the processes ended on a signal; False if one could not start, which then has printed the reason.
        """
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, self._stop)
        # Start the first process alone, so that an error of the model is shown only once.
        self._start()
        if self._has_started(self._workers[0]):
            on_started()
            for _ in range(1, self._count):
                self._start()
            self._keep()
        asked = self._closing
        if not asked:
            self._stop()  # but not twice, as a second signal stops them at once
        for worker in self._workers:
            worker.process.join()
        return asked

    def _start(self) -> None:
        started = _SPAWN.Event()
        process = _SPAWN.Process(target=self._target, args=(self._bound, started))
        process.start()
        self._workers.append(_Worker(process, started))
        if self._closing:  # the signal arrived between the two
            process.terminate()

    def _has_started(self, worker: _Worker) -> bool:
        while worker.process.is_alive() and not worker.started.wait(0.1):
            pass
        return worker.started.is_set()

    def _keep(self) -> None:
        while not self._closing:
            ended = wait([worker.process.sentinel for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.process.sentinel in ended]:
                worker.process.join()
                self._workers.remove(worker)
                if self._closing:
                    continue
                logger.error("a worker ended with status %s", worker.process.exitcode)
                if not worker.started.is_set():
                    return
                self._start()

    def _stop(self, sig: int | None = None, frame: FrameType | None = None) -> None:
        self._closing = True
        for worker in self._workers:
            worker.process.terminate()  # SIGTERM: it finishes the requests under way
