"""Count the cores that this process may use, according to its CPU affinity and the quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_cores(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Return the number of cores available to this process, at least 1.

    A quota of 1.5 cores is rounded up to 2, as in joblib. `os.process_cpu_count` ignores quotas.

    Args:
        cgroups: The mount point of the control groups, version 1 or 2.
        membership: The file that lists the control groups of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = core_quota(cgroups, membership)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def core_quota(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Return the quota of the container in cores, None without one; see `available_cores`."""
    return min((quota for folder in _groups(cgroups, membership) for quota in _quota(folder)), default=None)


def _groups(cgroups: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of the control groups of this process and of their parents, whose quotas also apply.

    Inside a container, the path is often that of the host. Its folders then do not exist, except for the root.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:  # not on Linux, or without /proc
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            roots = {cgroups, cgroups / "unified"}
        elif "cpu" in controllers.split(","):
            roots = {cgroups / "cpu", cgroups / controllers}
        else:
            continue
        inner = PurePosixPath(path.lstrip("/"))
        for group in [PurePosixPath()] if ".." in inner.parts else [inner, *inner.parents]:
            yield from (root / group for root in roots)


def _quota(folder: Path) -> Iterator[float]:
    """Yield the quota of a control group, in cores, if it has one."""
    try:
        if (limit := folder / "cpu.max").is_file():  # version 2: "max 100000" or "200000 100000"
            quota, period = limit.read_text(encoding="ascii").split()
        elif (limit := folder / "cpu.cfs_quota_us").is_file():  # version 1, where -1 means no quota
            quota = limit.read_text(encoding="ascii").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        else:
            return
    except OSError:  # the group is not readable, or has just been removed
        return
    if quota not in ("max", "-1"):
        yield int(quota) / int(period)
