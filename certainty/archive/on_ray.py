"""Score the units of an archive on the workers of a Ray cluster.

The workers write the same parts as a run in one process does, under the same names, so that the rows are the same and a
run of either kind can be resumed by the other. A unit whose worker is lost is given to another, which goes on after its
last finished part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certainty.archive.scoring import ArchiveWork, ShowArchiveProgress, Unit
from certainty.errors import CertaintyError
from certainty.extras import needs


@dataclass(frozen=True)
class RayPool:
    """Workers of a Ray cluster, each of which opens the model once.

    Attributes:
        address: Address of the cluster, such as "auto" or "ray://host:10001"; None uses one that is running here, or
            starts one of this machine.
        workers: Number of workers; None takes as many as the CPUs of the cluster allow.
        cpus: CPUs of each worker, which may be a fraction.
        gpus: GPUs of each worker, which may be a fraction.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float = 1
    gpus: float = 0

    def run(self, work: ArchiveWork, show_progress: ShowArchiveProgress) -> None:
        """Score what is not done yet.

        Raises:
            MissingExtraError: If Ray is not installed.
        """
        needs("ray.data", extra="ray", user="--ray")
        import ray

        if not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False)
        if not (left := work.left()):
            return
        cpus = ray.cluster_resources().get("CPU", 1)
        workers = min(self.workers or max(1, int(cpus / max(self.cpus, 0.01))), len(left))
        rows = ray.data.from_items(
            [{"number": unit.number, "start": unit.files.start, "stop": unit.files.stop} for unit in left],
            override_num_blocks=len(left),
        )
        done = rows.map_batches(
            _Worker,
            fn_constructor_args=(work,),
            batch_size=1,
            concurrency=workers,
            num_cpus=self.cpus,
            num_gpus=self.gpus,
        )
        with work.progress(left, show_progress) as progress:
            for row in done.iter_rows():
                progress.unit_done(range(row["start"], row["stop"]), row["sentences"])
        if missing := work.left():  # this also deletes the drafts of workers that were killed
            raise CertaintyError(f"{work.folder}: {len(missing)} units of work were lost; --resume continues it.")


class _Worker:
    """An actor, which has its own copy of the work, and so of the model."""

    def __init__(self, work: ArchiveWork) -> None:
        self._work = work

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        sentences = []
        for number, start, stop in zip(batch["number"], batch["start"], batch["stop"], strict=True):
            unit = Unit(int(number), range(int(start), int(stop)))
            with self._work.progress([unit], False) as progress:
                sentences.append(self._work.score_unit(unit, progress))
        return batch | {"sentences": sentences}
