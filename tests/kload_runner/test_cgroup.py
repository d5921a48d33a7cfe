"""What the machine lets a process use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kload_runner.cgroup import cgroup_throttle, usable_cores


@pytest.mark.parametrize(
    ("membership", "place", "text", "seconds"),
    [
        pytest.param(
            "0::/pod/a\n",
            "pod/a/cpu.stat",
            "nr_throttled 2\nthrottled_usec 2500000\n",
            2.5,
            id="v2",
        ),
        pytest.param(
            "4:cpu,cpuacct:/pod\n",
            "cpu,cpuacct/pod/cpu.stat",
            "throttled_time 1500000000\n",
            1.5,
            id="v1",
        ),
        pytest.param("0::/\n", "cpu.stat", "throttled_usec 1000000\n", 1.0, id="own-namespace"),
        pytest.param("", "elsewhere", "", 0.0, id="unknown"),
        pytest.param("0::/\n", "cpu.stat", "garbage\n", 0.0, id="garbage"),
    ],
)
def test_throttling_is_read_from_the_cgroup(
    tmp_path: Path, membership: str, place: str, text: str, seconds: float
) -> None:
    (tmp_path / "self").write_text(membership)
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert cgroup_throttle(tmp_path, tmp_path / "self")() == seconds


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        pytest.param("0::/pod\n", {"pod/cpu.max": "150000 100000\n"}, 2, id="v2-rounded-up"),
        pytest.param("0::/pod\n", {"pod/cpu.max": "max 100000\n"}, 8, id="v2-no-limit"),
        pytest.param(
            "0::/pod\n",
            {"pod/cpu.max": "max 100000\n", "cpu.max": "300000 100000\n"},
            3,
            id="outer-limit",
        ),
        pytest.param(
            "4:cpu,cpuacct:/pod\n",
            {"cpu/pod/cpu.cfs_quota_us": "50000\n", "cpu/pod/cpu.cfs_period_us": "100000\n"},
            1,
            id="v1",
        ),
        pytest.param(
            "4:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            8,
            id="v1-no-limit",
        ),
        pytest.param("0::/\n", {"cpu.max": "1600000 100000\n"}, 8, id="more-than-there-are"),
        pytest.param("0::/\n", {"cpu.max": "garbage\n"}, 8, id="garbage"),
        pytest.param("", {}, 8, id="unknown"),
    ],
)
def test_a_quota_caps_the_cores(
    tmp_path: Path, membership: str, files: dict[str, str], cores: int
) -> None:
    (tmp_path / "self").write_text(membership)
    for place, text in files.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    assert usable_cores(tmp_path, tmp_path / "self") == cores


def test_a_process_pinned_to_one_core_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert usable_cores(tmp_path, tmp_path / "none") == 1
