"""Setup and teardown: run once per run, by the runner that leads.

Their steps are those of scenarios, with VU number 0. What setup leaves in its variables is handed to every VU; teardown
reads the same variables and the totals of the whole fleet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson

from kload_runner.engine.assembly import Part
from kload_runner.steps.outcomes import GeneratorExhausted, IterationFailed, RunAborted
from kload_runner.steps.state import State
from kload_runner.wire import Wire
from kload_spec.expressions import EvaluationError, Value
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit

PHASE_TIMEOUT_S = 600.0  # s; k6 gives 60, which seeding a target often exceeds
_COUNTS = frozenset({"count", "rate", "passes", "fails"})
# What a metric without samples has: enough to compare with, nothing that would be made up.
_NOTHING: Mapping[MetricType, Mapping[str, float]] = {
    MetricType.COUNTER: {"count": 0.0, "rate": 0.0},
    MetricType.RATE: {"count": 0.0, "passes": 0.0, "fails": 0.0},
}


class PhaseFailed(Exception):
    """Setup or teardown could not be run to its end; the message has the step and the cause."""


async def run_phase(
    part: Part, wire: Wire, given: Mapping[str, Value], totals: Mapping[str, Value]
) -> dict[str, Value]:
    """Run setup or teardown and return the variables it leaves.

    Raises:
        PhaseFailed: a step failed, or it took longer than `PHASE_TIMEOUT_S`.
    """
    client = wire.client()
    state = State(replace(part.surroundings, totals=totals), 0, client)
    begin, iterate = part.behaviour.bind(state)
    state.begin(0, dict(given), None)
    try:
        async with asyncio.timeout(PHASE_TIMEOUT_S):
            if begin is not None:
                await begin()
            await iterate()
    except TimeoutError as exc:
        raise PhaseFailed(
            f"{part.name} took longer than {PHASE_TIMEOUT_S:g}s, at {state.at}"
        ) from exc
    except IterationFailed as exc:
        raise PhaseFailed(_sentence(part.name, exc.where or state.at, exc.cause)) from exc
    except EvaluationError as exc:
        raise PhaseFailed(_sentence(part.name, state.at, exc.cause)) from exc
    except GeneratorExhausted as exc:
        cause = "this machine has no free port or file; raise `ulimit -n`"
        raise PhaseFailed(_sentence(part.name, state.at, cause)) from exc
    except RunAborted as exc:
        raise PhaseFailed(_sentence(part.name, state.at, f"aborted: {exc.message}")) from exc
    finally:
        client.close()
    return _portable(part.name, state.vars)


def totals_in_ms(
    totals: Mapping[str, Mapping[str, float]], declared: tuple[MetricDefinition, ...]
) -> dict[str, Value]:
    """Return totals as expressions read them: times in milliseconds, zeros for a metric that was never recorded."""
    units = {name: metric.unit for name, metric in BUILTIN.items()}
    units |= {metric.name: metric.unit for metric in declared}
    nothing = {metric.name: _NOTHING.get(metric.type, {"count": 0.0}) for metric in declared}
    return {
        name: {
            stat: value * 1000.0
            if units.get(name) is Unit.TIME and stat not in _COUNTS
            else _whole(stat, value)
            for stat, value in stats.items()
        }
        for name, stats in {**nothing, **totals}.items()
    }


def _whole(stat: str, value: float) -> float | int:
    """Return counts as integers, so that `totals.x.count == vars.stored` reads as it should."""
    return int(value) if stat in _COUNTS - {"rate"} and float(value).is_integer() else value


def _sentence(phase: str, where: str, cause: str) -> str:
    return f"{phase} failed at {where}: {cause}" if where else f"{phase} failed: {cause}"


def _portable(phase: str, variables: Mapping[str, Value]) -> dict[str, Value]:
    """Return variables that other processes can be given."""
    try:
        found: dict[str, Value] = orjson.loads(orjson.dumps(dict(variables)))
    except TypeError as exc:
        raise PhaseFailed(
            f"{phase} left something that is no JSON value: {exc}; save text, numbers, lists or maps"
        ) from exc
    return found
