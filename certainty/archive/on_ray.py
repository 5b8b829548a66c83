"""Score the units of an archive on the workers of a Ray cluster.

The workers write the same parts as a run in one process does, under the same names, so that the rows are the same and a
run of either kind can be resumed by the other. A unit whose worker is lost is given to another, which goes on after its
last finished part.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import shorten
from typing import Any

from certainty.archive.doubts import Doubts
from certainty.archive.scoring import ArchiveWork, ShowArchiveProgress, Unit
from certainty.archive.worker_model import WorkerModel
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.messages import names_options, naming_options

logger = logging.getLogger(__name__)

_RETRIES = 3  # of a unit whose worker is lost: endless ones would hide a document that no worker has the memory for
_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class RayPool:
    """Workers of a Ray cluster, each of which opens the model once, with as many threads as it has CPUs.

    Attributes:
        address: Address of the cluster, such as "head:6379", of which this machine must be a part; None uses one that
            is running here, or starts one of this machine.
        workers: Number of workers; None takes as many as the CPUs and GPUs of the cluster allow.
        cpus: CPUs of each worker, which may be a fraction; None takes as many as the classifier was given threads,
            or 1.
        gpus: GPUs of each worker, which may be a fraction.

    Raises:
        CertaintyError: If a number is not allowed, or the address is that of a Ray client.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float | None = None
    gpus: float = 0

    def __post_init__(self) -> None:
        if (self.address or "").startswith("ray://"):
            raise CertaintyError(
                f"{self.address}: Ray Data does not run through a Ray client; run this on a machine of the cluster, "
                'and leave out the address, or give one such as "head:6379".'
            )
        if self.workers is not None and self.workers < 1:
            raise CertaintyError(f"{self.workers} workers cannot score; give at least 1.")
        for name, value in (("CPUs", self.cpus), ("GPUs", self.gpus)):
            if value is not None and not 0 <= value < float("inf"):
                raise CertaintyError(f"a worker cannot have {value:g} {name}; give 0 or more.")

    def run(self, work: ArchiveWork, classifier: CertaintyClassifier, show_progress: ShowArchiveProgress) -> None:
        """Score what is not done yet.

        Raises:
            CertaintyError: If there is no such cluster, a worker cannot open the model, workers are lost again and
                again, or for what `score_archive` raises in one process.
            MissingExtraError: If Ray is not installed.
            OSError: If reading fails on a worker for a reason that another attempt may not meet.
        """
        needs("ray.data", extra="ray", user="--ray")
        from ray.exceptions import RayError, RayTaskError

        work = replace(work, folder=work.folder.absolute())  # a worker has another working directory
        model = WorkerModel.of(classifier, self.cpus)
        self._connect()
        if not (left := work.left()):
            return
        try:
            with _quiet_ray(), work.progress(left, show_progress) as progress:
                for row in self._scored(work, model, left):
                    if row["error"]:
                        raise (OSError if row["may_pass"] else CertaintyError)(row["error"])
                    work.doubts.add(json.loads(row["doubts"]))
                    progress.unit_done(range(row["start"], row["stop"]), row["sentences"])
        except RayTaskError:  # a bug, which keeps the traceback of the worker
            raise
        except RayError as error:
            says = shorten(" ".join(str(error).split()), 800)
            if getattr(error, "actor_init_failed", False):
                raise CertaintyError(
                    "a worker cannot start; install the same certainty-fr on all machines of the cluster. Ray says: "
                    f"{says}"
                ) from error
            raise CertaintyError(
                f"{work.folder}: a worker was lost {_RETRIES + 1} times in the same files, perhaps for lack of memory; "
                "give its machine fewer workers, or divide the largest files. --resume continues it. Ray says: "
                f"{says}"
            ) from error
        if missing := work.left():  # this also deletes the drafts of workers that were killed
            raise CertaintyError(f"{work.folder}: {len(missing)} units of work were lost; --resume continues it.")

    def _scored(self, work: ArchiveWork, model: WorkerModel, left: Sequence[Unit]) -> Iterator[dict[str, Any]]:
        """Yield what the workers return for each unit, as they are done."""
        import ray

        cpus = model.threads if self.cpus is None else self.cpus
        rows = ray.data.from_items(
            [{"number": unit.number, "start": unit.files.start, "stop": unit.files.stop} for unit in left],
            override_num_blocks=len(left),
        )
        done = rows.map_batches(
            _Worker,
            fn_constructor_args=(work, model, names_options()),
            batch_size=1,
            # A unit takes minutes, so none waits for a busy worker while another is idle.
            compute=ray.data.ActorPoolStrategy(
                size=min(self.workers or self._most_workers(cpus), len(left)), max_tasks_in_flight_per_actor=1
            ),
            num_cpus=cpus,
            num_gpus=self.gpus,
            max_task_retries=_RETRIES,
        )
        yield from done.iter_rows()

    def _connect(self) -> None:
        import ray

        if ray.is_initialized():
            return
        # Else Ray sends usage data over the network, and its driver prints what concerns its own developers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            if self.address and (found := re.fullmatch(r"(?P<host>.+):(?P<port>\d+)", self.address)):
                # Else Ray tries for minutes.
                socket.create_connection((found["host"], int(found["port"])), _CONNECT_SECONDS).close()
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:
            what = str(error).partition("\n")[0]
            raise CertaintyError(
                f"{self.address or 'ray'}: cannot be used as a Ray cluster ({what}); start one with `ray start`, or "
                "give its address. One that wants a token needs RAY_AUTH_MODE=token in the environment."
            ) from error

    def _most_workers(self, cpus: float) -> int:
        """Return how many workers the cluster has room for now, at least 1."""
        import ray

        there = ray.cluster_resources()
        fitting = [
            int(there.get(name, 0) / needed) for name, needed in (("CPU", cpus), ("GPU", self.gpus)) if needed > 0
        ]
        if 0 in fitting:
            logger.warning("the cluster has no room for a worker yet, and the run waits until a machine with it joins")
        return max(1, min(fitting, default=1))


@contextmanager
def _quiet_ray() -> Iterator[None]:
    """Keep Ray Data from showing its own progress, in units, and its advice to developers."""
    from ray.data import DataContext

    context, log = DataContext.get_current(), logging.getLogger("ray.data")
    before, level = context.enable_progress_bars, log.level
    context.enable_progress_bars = False
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # There is no other way yet to say how often a unit is tried; pyproject.toml bounds the version.
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            yield
    finally:
        context.enable_progress_bars = before
        log.setLevel(level)


class _Worker:
    """An actor; what stops its work is a value, as Ray would wrap an exception in its own.

    It opens the model with its first unit: an actor that fails while it starts is a lost one.
    """

    def __init__(self, work: ArchiveWork, model: WorkerModel, is_command: bool) -> None:
        self._work, self._model, self._is_command = work, model, is_command

    @cached_property
    def _classifier(self) -> CertaintyClassifier:
        return self._model.open()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        (number,), (start,), (stop,) = batch["number"], batch["start"], batch["stop"]
        unit = Unit(int(number), range(int(start), int(stop)))
        work = replace(self._work, doubts=Doubts())
        sentences, error, may_pass = 0, "", False
        try:
            with (
                naming_options() if self._is_command else nullcontext(),
                work.progress([unit], False) as progress,
            ):
                sentences = work.score_unit(unit, self._classifier, progress)
        except (CertaintyError, OSError) as stopped:
            error, may_pass = str(stopped), not isinstance(stopped, CertaintyError)
        doubts = json.dumps(work.doubts.found)
        return batch | {"sentences": [sentences], "doubts": [doubts], "error": [error], "may_pass": [may_pass]}
