"""One virtual user's iterations of a scenario against a target, with everything they observed kept in lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifests import manifest

from kload_runner.clock import MonotonicClock
from kload_runner.engine import Engine, RunnerFacts
from kload_runner.executors import IterationInfo
from kload_runner.metrics.reading import fill_in
from kload_runner.users import Cast, User
from kload_spec.control import RunIdentity, TargetLimits
from kload_spec.plan import Plan
from kload_spec.planning import Overrides, plan
from kload_spec.result import Result
from kload_spec.result import RunIdentity as ResultIdentity


@dataclass
class Play:
    """What came of some iterations.

    Attributes:
        vars: the VU's variables after the last one.
    """

    logs: list[str] = field(default_factory=list)
    vars: dict[str, Any] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    exhausted: int = 0
    result: Result = field(default_factory=lambda: Result(run=ResultIdentity(name="t")))

    @property
    def failures(self) -> list[str]:
        """Why iterations failed, as counted."""
        return [error.message for error in self.result.errors if error.kind in ("step", "script")]

    @property
    def checks(self) -> dict[str, tuple[int, int]]:
        """How often each check held and did not."""
        return {check.name: (check.passes, check.fails) for check in self.result.checks}

    @property
    def samples(self) -> dict[str, tuple[int, float]]:
        """Number and sum of the samples of each metric."""
        return {item.name: (item.samples, float(item.sum)) for item in self.result.metrics}


def planned(
    url: str | None,
    *steps: Mapping[str, Any],
    scenario: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Plan:
    """Return the plan of a test with one scenario of these steps."""
    given = {"executor": "per-vu-iterations", "vus": 1, **(scenario or {})}
    if steps:
        given["steps"] = list(steps)
    spec.setdefault("target", {})
    document = manifest(**{**spec, "scenarios": {"play": given}})
    return plan(document, Overrides(target=url))


async def perform(
    test: Plan,
    *,
    iterations: int = 1,
    env: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
    base_dir: Path | None = None,
    seed: int = 1,
    vu: int = 0,
    limits: TargetLimits | None = None,
) -> Play:
    """Run iterations of the first scenario, one after the other, as VU index `vu`."""
    play = Play()
    facts = RunnerFacts(
        run=RunIdentity(uid="u1", run_id="r1"),
        seed=seed,
        env=env or {},
        base_dir=base_dir or Path(),
        limits=limits or TargetLimits(),
    )
    engine = Engine(test, facts, MonotonicClock(), play.logs.append)
    engine.prepare()
    cast: Cast = engine._cast(test.scenarios[0], given or {})
    changes = {"abort": play.aborted.append, "exhausted": lambda _message: _count(play)}
    cast = Cast(**{**{name: getattr(cast, name) for name in Cast.__slots__}, **changes})
    user = User(cast, vu)
    try:
        for index in range(iterations):
            await user.run_iteration(IterationInfo(vu + cast.first_vu, index, index))
            play.vars = dict(user._state.vars)
        play.result = fill_in(play.result, engine.recorder)
    finally:
        user.close()
        await engine.close()
    await asyncio.sleep(0)
    return play


def _count(play: Play) -> None:
    play.exhausted += 1
