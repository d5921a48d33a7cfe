"""Run a plan on this machine: one runner in this process, or several processes as a small fleet.

The coordinator speaks to its workers as the operator does to its pods (`control_api`), over loopback. It draws
nothing and writes no files: the command line shows its snapshots and keeps its result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kload_runner.snapshots import RunSnapshot
    from kload_spec.control import PlanSource
    from kload_spec.plan import Plan
    from kload_spec.result import Result


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What to run and how.

    Attributes:
        plan: what is run.
        source: what the plan was made from, so that worker processes can make it again; one worker needs none.
        env: the values of the plan's environment variables, already resolved.
        base_dir: folder that paths in the manifest are relative to.
        workers: number of runner processes; 1 runs in this process.
        run_id: name of the run, `run.id` in expressions; made up when empty.
        prometheus_port: serve `/metrics` of the (first) runner there; None: not at all.
        on_snapshot: called about once a second, and once at the end.
        on_log: called with each line of `log` steps and warnings of the generator.
    """

    plan: Plan
    env: Mapping[str, str] = field(default_factory=dict)
    source: PlanSource | None = None
    base_dir: Path = field(default_factory=Path)
    workers: int = 1
    run_id: str = ""
    prometheus_port: int | None = None
    on_snapshot: Callable[[RunSnapshot], None] | None = None
    on_log: Callable[[str], None] | None = None


def run_local(run: LocalRun) -> Result:
    """Run a plan to its verdict and return the result document.

    Blocks; makes its own event loop (uvloop where there is one). While it runs, the first SIGINT or SIGTERM stops
    gracefully (teardown runs, the result says Cancelled), the second one kills.

    A target that is down, slow or speaks garbage is part of the result, never an exception.
    """
    raise NotImplementedError
