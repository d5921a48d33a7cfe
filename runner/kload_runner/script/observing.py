"""What scripts are measured with: instruments by names that are known only when they are used.

Names of steps are bounded, because each is a set of series: beyond `MOST_STEPS` of a scenario, requests count under
`OTHER`, and the log says so once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kload_runner.steps.generator import STATUSES
from kload_runner.steps.instruments import (
    AddSample,
    CheckFailed,
    Instruments,
    RecordCheck,
    RecordRequest,
    StepInstruments,
)
from kload_runner.steps.outcomes import IterationFailed
from kload_spec.expressions import EvaluationError
from kload_spec.metrics import MetricDefinition, Unit

MOST_STEPS = 49  # per scenario; with OTHER 50, as in the manifest
OTHER = "other"


class Observed:
    """The instruments of one step of a script."""

    __slots__ = ("_checks", "_instruments", "_metrics", "_samples", "name", "request")

    def __init__(
        self, name: str, instruments: StepInstruments, metrics: Mapping[str, MetricDefinition]
    ) -> None:
        self.name = name
        self.request: RecordRequest = instruments.request()
        self._instruments = instruments
        self._metrics = metrics
        self._checks: dict[str, tuple[RecordCheck, CheckFailed]] = {}
        self._samples: dict[str, tuple[AddSample, float]] = {}

    def check(self, name: str) -> tuple[RecordCheck, CheckFailed]:
        """Return what is told of a check."""
        found = self._checks.get(name)
        if found is None:
            found = self._checks[name] = self._instruments.check(name, False)
        return found

    def sample(self, metric: str, value: float | bool) -> None:
        """Record a sample; it raises IterationFailed."""
        found = self._samples.get(metric)
        if found is None:
            definition = self._metrics.get(metric)
            if definition is None:
                raise IterationFailed(f"metric {metric!r} is not declared in spec.metrics")
            # The instruments speak the manifest's milliseconds.
            scale = 1000.0 if definition.unit is Unit.TIME else 1.0
            found = self._samples[metric] = (self._instruments.sample(metric)[0], scale)
        add, scale = found
        try:
            add(value if isinstance(value, bool) or scale == 1.0 else value * scale)
        except EvaluationError as exc:
            raise IterationFailed(f"metric {metric!r}: {exc.cause}") from None


class Observing:
    """The instruments of one scenario's script, shared by its VUs."""

    __slots__ = ("_default", "_expected", "_instruments", "_metrics", "_steps")

    def __init__(
        self,
        instruments: Instruments,
        metrics: Mapping[str, MetricDefinition],
        default: tuple[bool, ...],
    ) -> None:
        self._instruments = instruments
        self._metrics = metrics
        self._default = default
        self._steps: dict[str, Observed] = {}
        self._expected: dict[Any, tuple[bool, ...]] = {}

    def step(self, name: str) -> Observed:
        """Return the instruments of a step by name."""
        found = self._steps.get(name)
        if found is None:
            found = self._new(name)
        return found

    def request_step(self, name: str, method: str, target: bytes) -> Observed:
        """Return the instruments of a request: by its name, or by its method and path."""
        if name:
            return self._steps.get(name) or self._new(name)
        return self.step(f"{method} {target.partition(b'?')[0].decode('latin-1')}")

    def expected(self, expect: Any) -> tuple[bool, ...]:
        """Return for each status whether a call expects it."""
        if expect is None:
            return self._default
        key = tuple(expect) if isinstance(expect, list) else expect
        found = self._expected.get(key)
        if found is None:
            found = self._expected[key] = _table(key)
        return found

    def log(self, message: str) -> None:
        """Write a line to the run's log."""
        self._instruments.log(message)

    def _new(self, name: str) -> Observed:
        if len(self._steps) >= MOST_STEPS and name != OTHER:
            if OTHER not in self._steps:
                self.log(
                    f"more than {MOST_STEPS} step names (the latest: {name!r}); from now on requests count under"
                    f" {OTHER!r}. Give requests a constant `name`"
                )
            return self.step(OTHER)
        found = self._steps[name] = Observed(name, self._instruments.step(name), self._metrics)
        return found


def _table(expect: Any) -> tuple[bool, ...]:
    parts = expect if isinstance(expect, tuple) else (expect,)
    if not all(isinstance(part, int | range) for part in parts):
        raise IterationFailed(
            f"expect={expect!r}: give a status, a range(200, 400) or a tuple of these"
        )
    wanted = {status for part in parts for status in (part if isinstance(part, range) else (part,))}
    return (False, *(status in wanted for status in range(1, STATUSES)))
