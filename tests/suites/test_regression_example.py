"""The pytest regression tests of the payments suite: a slow step breaks its own budget, and no other test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite() -> str:
    return "payments-platform"


def outcome(target: Any) -> subprocess.CompletedProcess[str]:
    """Run the example's tests against the target, for a short time, as a project without our plugins would."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, "--rootdir", str(ROOT), "examples/payments-platform/tests"],
        cwd=ROOT,
        env={**os.environ, **alone, "RUN_TIME": "250ms", "LOAD_TEST_HOST": target.url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_slow_step_is_over_its_budget_and_all_else_passes(target: Any) -> None:
    target.switch({"slow-answers": {"delay_s": 0.2, "path": "/v1/events/ingest"}})
    done = outcome(target)
    assert done.returncode == 1, done.stdout
    assert "FAILED" in done.stdout
    assert "test_the_api_stays_within_its_budget[ingest-events]" in done.stdout
    assert "6 passed" in done.stdout
