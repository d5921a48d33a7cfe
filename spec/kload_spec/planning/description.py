"""What can be said of a plan before it runs: VUs over time, requests at most, how long it can take, what looks wrong.

Data for `kload validate` and the start of a report; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from kload_spec.plan import Plan, ScenarioPlan
from kload_spec.program import (
    CallStep,
    ForeachStep,
    IfStep,
    PickStep,
    RepeatStep,
    RequestStep,
    ScriptProgram,
    Step,
    StepProgram,
)
from kload_spec.quantities import format_duration
from kload_spec.shapes import (
    ArrivalShape,
    ConstantArrivalRate,
    ConstantVUs,
    Moment,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Schedule,
    SharedIterations,
)


@dataclass(frozen=True, slots=True)
class ScenarioDescription:
    """One scenario in words and numbers.

    Attributes:
        load: a phrase: ``ramps from 0 over 3 stages to at most 100 VUs``.
        start_s, end_s: of its load, after the run's start.
        iterations: at most; None where the target's speed decides.
        requests_per_iteration: at most, every branch taken that has more; None for a script.
        requests: at most; None where it is not known.
    """

    name: str
    load: str
    vus: int
    start_s: float
    end_s: float
    iterations: int | None
    requests_per_iteration: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class Description:
    """A plan in words and numbers.

    Attributes:
        load_s: until the last iteration starts.
        longest_s: until the last iteration has ended at the latest, without setup and teardown.
        max_vus: VUs at once at the busiest moment.
        vus_over_time: every change.
        requests: at most, without setup and teardown; None where it is not known.
        thresholds: as written, implicit ones last.
        warnings: what can be run but looks like a mistake.
    """

    name: str
    runners: int
    load_s: float
    longest_s: float
    max_vus: int
    vus_over_time: tuple[Moment, ...]
    scenarios: tuple[ScenarioDescription, ...]
    requests: int | None
    thresholds: tuple[str, ...]
    warnings: tuple[str, ...]


def describe(plan: Plan) -> Description:
    """Return what can be said of a plan before it runs."""
    schedule = Schedule(tuple(scenario.load for scenario in plan.scenarios))
    scenarios = tuple(_scenario(scenario) for scenario in plan.scenarios)
    requests = [scenario.requests for scenario in scenarios]
    known = [count for count in requests if count is not None]
    return Description(
        name=plan.name,
        runners=plan.runners,
        load_s=schedule.duration_s,
        longest_s=schedule.longest_s,
        max_vus=schedule.max_vus,
        vus_over_time=schedule.vus_over_time(),
        scenarios=scenarios,
        requests=sum(known) if len(known) == len(requests) else None,
        thresholds=tuple(
            f"{rule.key} {rule.text}" + (" (implicit)" if rule.implicit else "")
            for rule in plan.thresholds
        ),
        warnings=(*plan.notes, *_warnings(plan, schedule)),
    )


def _scenario(scenario: ScenarioPlan) -> ScenarioDescription:
    load = scenario.load
    iterations = load.shape.planned_iterations
    each: int | None = None
    starts = 0
    if isinstance(scenario.program, StepProgram):
        each = _most_requests(scenario.program.steps)
        starts = _most_requests(scenario.program.start) * load.shape.vu_limit
    total = None if iterations is None or each is None else iterations * each + starts
    return ScenarioDescription(
        name=scenario.name,
        load=_phrase(scenario),
        vus=load.shape.vu_limit,
        start_s=load.start_time_s,
        end_s=load.end_s,
        iterations=iterations,
        requests_per_iteration=each,
        requests=total,
    )


def _most_requests(steps: Iterable[Step]) -> int:
    return sum(_requests_of(step) for step in steps)


def _requests_of(step: Step) -> int:
    """Return how many requests a step sends at most; redirects are not counted."""
    match step:
        case RequestStep():
            return 1
        case IfStep():
            return max(_most_requests(step.then), _most_requests(step.otherwise))
        case PickStep():
            return max(
                (_most_requests(steps) for weight, steps in step.options if weight), default=0
            )
        case RepeatStep():
            rounds = min(step.limit, step.times) if isinstance(step.times, int) else step.limit
            return rounds * _most_requests(step.steps)
        case ForeachStep():
            return step.limit * _most_requests(step.steps)
        case CallStep():
            return _most_requests(step.steps)
        case _:
            return 0


def _phrase(scenario: ScenarioPlan) -> str:
    match scenario.load.shape:
        case ConstantVUs() as shape:
            return f"{shape.vus} VUs for {format_duration(shape.duration_s)}"
        case RampingVUs() as shape:
            way = " → ".join(
                [
                    str(shape.start_vus),
                    *(_leg(stage.target, stage.duration_s) for stage in shape.stages),
                ]
            )
            return f"ramping VUs {way}"
        case PerVUIterations() as shape:
            return f"{shape.vus} VUs × {shape.iterations} iterations, at most {format_duration(shape.max_duration_s)}"
        case SharedIterations() as shape:
            return f"{shape.iterations} iterations by {shape.vus} VUs, at most {format_duration(shape.max_duration_s)}"
        case ConstantArrivalRate() as shape:
            rate = f"{shape.rate} iterations per {format_duration(shape.time_unit_s)}"
            return f"{rate} for {format_duration(shape.duration_s)}, at most {shape.max_vus} VUs"
        case RampingArrivalRate() as shape:
            way = " → ".join(
                [
                    str(shape.start_rate),
                    *(_leg(stage.target, stage.duration_s) for stage in shape.stages),
                ]
            )
            return f"ramping {way} iterations per {format_duration(shape.time_unit_s)}, at most {shape.max_vus} VUs"


def _leg(target: int, duration_s: float) -> str:
    return f"{target} ({format_duration(duration_s)})"


def _warnings(plan: Plan, schedule: Schedule) -> list[str]:
    warnings = [warning for scenario in plan.scenarios for warning in _pool_warnings(scenario)]
    explicit = [rule for rule in plan.thresholds if not rule.implicit]
    if not explicit:
        warnings.append(
            "no thresholds: only the implicit rules are judged (asserts, iterations_failed rate<1%)"
        )
    warnings += _response_time_warning(plan)
    idle = plan.runners - max(
        (scenario.load.shape.vu_limit for scenario in plan.scenarios), default=0
    )
    if idle > 0:
        warnings.append(
            f"{plan.runners} runners are more than any scenario has VUs; some have nothing to do"
        )
    if plan.active_deadline_s is not None and plan.active_deadline_s < schedule.duration_s:
        deadline = format_duration(plan.active_deadline_s)
        warnings.append(
            f"activeDeadlineSeconds stops the run after {deadline}, before the load ends"
        )
    if plan.target.tls.insecure_skip_verify:
        warnings.append("target.tls.insecureSkipVerify: certificates are not verified")
    return warnings


def _pool_warnings(scenario: ScenarioPlan) -> list[str]:
    """Warn where slow answers would exhaust the VUs of an arrival rate before they time out."""
    shape = scenario.load.shape
    if not isinstance(shape, ArrivalShape) or isinstance(scenario.program, ScriptProgram):
        return []
    timeout_s = max((step.timeout_s for step in _requests_in(scenario.program.steps)), default=0.0)
    needed = ceil(_peak(shape) / shape.time_unit_s * timeout_s)
    if shape.max_vus >= needed:
        return []
    return [
        f"scenario {scenario.name}: maxVUs {shape.max_vus} is below rate × timeout ({needed}); if the target slows,"
        " arrivals are dropped, and how many may depend on the number of runners"
    ]


def _peak(shape: ArrivalShape) -> int:
    if isinstance(shape, ConstantArrivalRate):
        return shape.rate
    return max(shape.start_rate, *(stage.target for stage in shape.stages))


def _requests_in(steps: Iterable[Step]) -> Iterable[RequestStep]:
    for step in steps:
        match step:
            case RequestStep():
                yield step
            case IfStep():
                yield from _requests_in((*step.then, *step.otherwise))
            case PickStep():
                for _, nested in step.options:
                    yield from _requests_in(nested)
            case RepeatStep() | ForeachStep() | CallStep():
                yield from _requests_in(step.steps)
            case _:
                pass


def _response_time_warning(plan: Plan) -> list[str]:
    """Recommend http_req_response_time for arrival rates: it sees what a stalled target delays."""
    arrivals = [s for s in plan.scenarios if isinstance(s.load.shape, ArrivalShape)]
    metrics = {rule.metric for rule in plan.thresholds}
    if not arrivals or "http_req_duration" not in metrics or "http_req_response_time" in metrics:
        return []
    names = ", ".join(scenario.name for scenario in arrivals)
    return [
        f"{names}: with an arrival rate, a threshold on http_req_response_time also counts what waited for a stalled"
        " target; http_req_duration does not"
    ]
