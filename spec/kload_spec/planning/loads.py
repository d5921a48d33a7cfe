"""Load profiles: a scenario's options, with k6's defaults, to a shape; and the shapes of a quick run.

The only place that applies defaults of executors. Source: reference of k6's scenarios; for arrival rates
`preAllocatedVUs` and `maxVUs` are optional here.
"""

from __future__ import annotations

from math import ceil

from kload_spec.model import Executor, Scenario
from kload_spec.planning.overrides import Overrides
from kload_spec.shapes import (
    DEFAULT_GRACEFUL_STOP_S,
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Shape,
    SharedIterations,
    Stage,
)

DEFAULT_MAX_DURATION_S = 600.0
DEFAULT_RAMP_DOWN_S = 30.0
MOST_DEFAULT_VUS = 10_000


def load_of(name: str, scenario: Scenario, timeout_s: float, overrides: Overrides) -> ScenarioLoad:
    """Return the load of a scenario.

    Args:
        timeout_s: of its slowest request; for the default of `maxVUs`.
        overrides: a quick run replaces the shape and starts it at 0.
    """
    graceful_stop_s = (
        DEFAULT_GRACEFUL_STOP_S if scenario.graceful_stop is None else scenario.graceful_stop
    )
    own = _shape(scenario, timeout_s)
    if overrides.quick:
        return ScenarioLoad(name, _quick_shape(own, overrides), 0.0, graceful_stop_s, scenario.pace)
    return ScenarioLoad(name, own, scenario.start_time or 0.0, graceful_stop_s, scenario.pace)


def _shape(scenario: Scenario, timeout_s: float) -> Shape:
    vus = scenario.vus or 1
    max_duration_s = scenario.max_duration or DEFAULT_MAX_DURATION_S
    match scenario.executor:
        case Executor.CONSTANT_VUS:
            return ConstantVUs(vus, scenario.duration or 0.0)
        case Executor.RAMPING_VUS:
            start = 1 if scenario.start_vus is None else scenario.start_vus
            ramp_down_s = scenario.graceful_ramp_down
            return RampingVUs(
                start,
                _stages(scenario),
                DEFAULT_RAMP_DOWN_S if ramp_down_s is None else ramp_down_s,
            )
        case Executor.PER_VU_ITERATIONS:
            return PerVUIterations(vus, scenario.iterations or 1, max_duration_s)
        case Executor.SHARED_ITERATIONS:
            return SharedIterations(vus, scenario.iterations or 1, max_duration_s)
        case Executor.CONSTANT_ARRIVAL_RATE:
            rate, unit_s = scenario.rate or 0, scenario.time_unit or 1.0
            pool = _pool(scenario, rate / unit_s, timeout_s)
            return ConstantArrivalRate(rate, unit_s, scenario.duration or 0.0, *pool)
        case Executor.RAMPING_ARRIVAL_RATE:
            stages, unit_s = _stages(scenario), scenario.time_unit or 1.0
            start_rate = scenario.start_rate or 0
            peak = max(start_rate, *(stage.target for stage in stages))
            return RampingArrivalRate(
                start_rate, unit_s, stages, *_pool(scenario, peak / unit_s, timeout_s)
            )


def _stages(scenario: Scenario) -> tuple[Stage, ...]:
    return tuple(Stage(stage.duration, stage.target) for stage in scenario.stages or ())


def _pool(scenario: Scenario, rate_per_s: float, timeout_s: float) -> tuple[int, int]:
    """Return (VUs made before the load, VUs at most) of an arrival rate."""
    wanted = min(max(1, ceil(rate_per_s * timeout_s)), MOST_DEFAULT_VUS)
    most = scenario.max_vus or max(wanted, scenario.pre_allocated_vus or 1)
    made = scenario.pre_allocated_vus
    return (min(most, max(1, ceil(rate_per_s))) if made is None else made), most


def _quick_shape(own: Shape, overrides: Overrides) -> Shape:
    if overrides.iterations is not None:
        vus = min(overrides.vus or 1, overrides.iterations)
        return SharedIterations(
            vus, overrides.iterations, overrides.duration_s or DEFAULT_MAX_DURATION_S
        )
    duration_s = own.duration_s if overrides.duration_s is None else overrides.duration_s
    return ConstantVUs(overrides.vus or 1, duration_s)
