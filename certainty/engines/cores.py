"""How many cores this process may use: by its affinity, and by the quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_cores(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Return the number of cores, at least 1.

    A quota of 1.5 cores counts as 2, as in joblib. Python's own `os.process_cpu_count` knows no quotas.

    Args:
        cgroups: Where the control groups are mounted, version 2 or 1.
        membership: The file that tells the groups of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = core_quota(cgroups, membership)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def core_quota(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Return the quota of the container in cores, None without one; see `available_cores`."""
    return min((quota for folder in _groups(cgroups, membership) for quota in _quota(folder)), default=None)


def _groups(cgroups: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of the groups that this process is in, and of those around them, whose quotas hold too.

    Within a container the path is often the host's; then the folders are missing, but for the container's own root.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or no /proc
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
    """Yield the quota of a group in cores, if it has one."""
    try:
        if (limit := folder / "cpu.max").is_file():  # version 2: "max 100000" or "200000 100000"
            quota, period = limit.read_text(encoding="ascii").split()
        elif (limit := folder / "cpu.cfs_quota_us").is_file():  # version 1, in which -1 is none
            quota = limit.read_text(encoding="ascii").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        else:
            return
    except OSError:  # a group that may not be read, or is just gone
        return
    if quota not in ("max", "-1"):
        yield int(quota) / int(period)
