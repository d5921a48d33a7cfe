"""What the machine lets this process use: cores, and how long it was held back.

Read from the kernel's files; nothing here decides. Where a file is missing (macOS, no limit) the answer is that of a
machine without limits.

Sources: cpu.max and cpu.stat in https://docs.kernel.org/admin-guide/cgroup-v2.html; cpu.cfs_quota_us and
`throttled_time` (ns) in https://docs.kernel.org/scheduler/sched-bwc.html for v1; sched_getaffinity(2).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Return how many cores this process may keep busy: those it is pinned to, capped by its CPU quota; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [found for folder in _folders(root, membership) if (found := _quota(folder))]
    return max(1, min([cores or 1, *(ceil(limit) for limit in limits)]))


def cgroup_throttle(root: Path = ROOT, membership: Path = MEMBERSHIP) -> Callable[[], float]:
    """Return a function that reads how long this process' cgroup was throttled, in seconds; 0 where it is unknown."""
    for folder in _folders(root, membership):
        stat = folder / "cpu.stat"
        if _throttled_s(stat) is not None:
            return lambda: _throttled_s(stat) or 0.0
    return lambda: 0.0


def _folders(root: Path, membership: Path) -> Iterator[Path]:
    """Yield where a cgroup's CPU files may be: the process' own group first, then the root of its namespace."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        own = group.lstrip("/")
        if not controllers:
            yield root / own
        elif "cpu" in controllers.split(","):
            yield from (root / name / own for name in ("cpu,cpuacct", "cpu"))
    yield from (root, root / "cpu")


def _quota(folder: Path) -> float | None:
    """Return the cores a cgroup may use on average; None for no limit."""
    try:
        if (limit := folder / "cpu.max").exists():
            quota, period = limit.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # no such file; or `max`, which is no number
        return None


def _throttled_s(path: Path) -> float | None:
    try:
        fields = dict(line.split(None, 1) for line in path.read_text().splitlines() if " " in line)
        if "throttled_usec" in fields:
            return int(fields["throttled_usec"]) / 1e6
        if "throttled_time" in fields:
            return int(fields["throttled_time"]) / 1e9
    except (OSError, ValueError):
        pass
    return None
