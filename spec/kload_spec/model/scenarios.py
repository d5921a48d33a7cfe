"""Scenarios as they are written: a load profile (k6's executors and options) and what a VU does.

One flat model, because a structural schema knows no unions; which options an executor takes is a table (`OPTIONS`),
checked here and again by CEL in the cluster. Defaults are k6's and are applied by `planning`, never written into the
resource.

Source: https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, model_validator

from kload_spec.model.entries import Tags, Values
from kload_spec.model.scalars import (
    Duration,
    Flag,
    Keys,
    OneOf,
    PositiveDuration,
    Rate,
    StaticName,
    StaticText,
    Whole,
    fault,
)
from kload_spec.model.steps import SomeSteps, Steps
from kload_spec.model.verbs import words
from kload_spec.model.written import IDENTIFIER, MAX_ENTRIES, Written, says

MAX_VUS = 1_000_000  # of one scenario, over the whole fleet
MAX_ITERATIONS = 1_000_000_000
MAX_STAGES = 100


class Executor(StrEnum):
    """How load is scheduled."""

    CONSTANT_VUS = "constant-vus"
    RAMPING_VUS = "ramping-vus"
    PER_VU_ITERATIONS = "per-vu-iterations"
    SHARED_ITERATIONS = "shared-iterations"
    CONSTANT_ARRIVAL_RATE = "constant-arrival-rate"
    RAMPING_ARRIVAL_RATE = "ramping-arrival-rate"


@dataclass(frozen=True, slots=True)
class Options:
    """Options an executor needs and those it may have besides."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Both."""
        return self.required + self.optional


_ITERATIONS = Options((), ("vus", "iterations", "maxDuration", "pace"))
OPTIONS: Mapping[Executor, Options] = MappingProxyType(
    {
        Executor.CONSTANT_VUS: Options(("duration",), ("vus", "pace")),
        Executor.RAMPING_VUS: Options(("stages",), ("startVUs", "gracefulRampDown", "pace")),
        Executor.PER_VU_ITERATIONS: _ITERATIONS,
        Executor.SHARED_ITERATIONS: _ITERATIONS,
        Executor.CONSTANT_ARRIVAL_RATE: Options(
            ("rate", "duration"), ("timeUnit", "preAllocatedVUs", "maxVUs")
        ),
        Executor.RAMPING_ARRIVAL_RATE: Options(
            ("stages",), ("startRate", "timeUnit", "preAllocatedVUs", "maxVUs")
        ),
    }
)
LOAD_OPTIONS = tuple(dict.fromkeys(name for options in OPTIONS.values() for name in options.all))


def executors_for(written: Collection[str]) -> tuple[Executor, ...]:
    """Return the executors that take all load options of a scenario and lack none of theirs."""
    return tuple(
        executor
        for executor, options in OPTIONS.items()
        if set(options.required) <= set(written) and set(written) <= set(options.all)
    )


def fitting(written: Collection[str]) -> list[str]:
    """Return which executors the load options of a scenario fit, as a sentence or none."""
    found = executors_for([name for name in written if name in LOAD_OPTIONS])
    return [f"what is written fits {', '.join(found)}"] if found and written else []


class Stage(Written):
    """One leg of a ramp."""

    duration: Annotated[
        Duration, says("a duration", "How long the leg takes; 0s is a jump.", "30s")
    ]
    target: Annotated[
        Annotated[int, Whole(0, MAX_VUS)],
        says(
            "the number of VUs",
            "VUs (or, for arrival rates, iterations per timeUnit) at the end of the leg.",
            50,
        ),
    ]


StageList = Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MAX_STAGES)]
_Vus = Annotated[int, Whole(0, MAX_VUS)]
_SomeVus = Annotated[int, Whole(1, MAX_VUS)]
_Env = Annotated[
    dict[str, StaticText], Field(max_length=MAX_ENTRIES), Keys("a variable", IDENTIFIER)
]


class Scenario(Written):
    """A load profile, and what a VU does in it."""

    executor: Annotated[
        Annotated[Executor, OneOf(Executor, "executor")],
        says(
            "an executor",
            "How iterations are scheduled, as in k6: " + ", ".join(Executor) + ".",
            "constant-vus",
        ),
    ]
    vus: Annotated[_SomeVus | None, says("the number of VUs", "VUs. Default 1.", 50)] = None
    duration: Annotated[
        PositiveDuration | None, says("a duration", "Time in which iterations start.", "30s")
    ] = None
    iterations: Annotated[
        Annotated[int, Whole(1, MAX_ITERATIONS)] | None,
        says(
            "the number of iterations",
            "Of each VU (per-vu-iterations) or of all together. Default 1.",
            100,
        ),
    ] = None
    max_duration: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "After this no iteration starts; what is left counts as dropped. Default 10m.",
            "10m",
        ),
    ] = None
    start_vus: Annotated[
        _Vus | None, says("the number of VUs", "VUs at the start of a ramp. Default 1.", 0)
    ] = None
    stages: Annotated[
        StageList | None,
        says(
            "a list of stages",
            "Legs of a ramp, one after another.",
            [{"duration": "30s", "target": 50}],
        ),
    ] = None
    graceful_ramp_down: Annotated[
        Duration | None,
        says(
            "a duration",
            "How long an iteration may go on after its VU was ramped down. Default 30s.",
            "10s",
        ),
    ] = None
    rate: Annotated[
        Annotated[int, Rate(1, MAX_VUS)] | None,
        says("the number of iterations", "Iterations started per timeUnit.", 100),
    ] = None
    start_rate: Annotated[
        Annotated[int, Rate(0, MAX_VUS)] | None,
        says(
            "the number of iterations",
            "Iterations per timeUnit at the start of a ramp. Default 0.",
            10,
        ),
    ] = None
    time_unit: Annotated[
        PositiveDuration | None, says("a duration", "What rates are per. Default 1s.", "1s")
    ] = None
    pre_allocated_vus: Annotated[
        _Vus | None,
        says(
            "the number of VUs",
            "VUs made before the load starts. Default: one second's worth of the rate.",
            50,
        ),
    ] = None
    max_vus: Annotated[
        _SomeVus | None,
        says(
            "the number of VUs",
            "VUs at most; an arrival that finds all of them busy is dropped. Default: rate × timeout, at most 10000.",
            500,
        ),
    ] = None
    start_time: Annotated[
        Duration | None, says("a duration", "After the start of the run. Default 0s.", "2m")
    ] = None
    graceful_stop: Annotated[
        Duration | None,
        says(
            "a duration", "How long running iterations may go on after the end. Default 30s.", "30s"
        ),
    ] = None
    pace: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "Iterations of a VU start at least this far apart; those that cannot are counted. Not for arrival rates.",
            "1s",
        ),
    ] = None
    enabled: Annotated[
        Flag | None,
        says("true or false", "Whether the scenario runs. Default true.", "$(params.compare)"),
    ] = None
    tags: Annotated[
        Tags | None,
        says("a map of texts", "Tags of everything this scenario measures.", {"kind": "read"}),
    ] = None
    env: Annotated[
        _Env | None,
        says("a map of texts", "Variables of this scenario, over spec.env.", {"REGION": "eu"}),
    ] = None
    data: Annotated[
        StaticName | None,
        says("the name of a data feed", "Entry of spec.data whose rows are `row`.", "users"),
    ] = None
    vars: Annotated[
        Values | None,
        says(
            "a map of values",
            "Variables that live as long as the VU, with their first values.",
            {"orders": []},
        ),
    ] = None
    start: Annotated[
        Steps | None, says("steps", "Done once by each VU, before its first iteration.")
    ] = None
    steps: Annotated[SomeSteps | None, says("steps", "One iteration.", [{"get": "/"}])] = None
    exec: Annotated[
        StaticName | None,
        says(
            "the name of a function", "Function of spec.script that is one iteration.", "purchase"
        ),
    ] = None

    @model_validator(mode="after")
    def _fitting_options(self) -> Scenario:
        options = OPTIONS[self.executor]
        missing = [name for name in options.required if name not in self.written]
        strangers = [
            name for name in LOAD_OPTIONS if name in self.written and name not in options.all
        ]
        said = [f"{self.executor} needs {words(missing)}"] if missing else []
        if strangers:
            has = f"{self.executor} has no {words(strangers)}"
            said.append(f"{has}; its options: {', '.join(options.all)}")
            said += fitting(self.written)
        if said:
            raise fault("; ".join(said))
        if (self.steps is None) == (self.exec is None):
            raise fault(
                "has both `steps` and `exec`; keep one"
                if self.steps
                else "has neither `steps` nor `exec`"
            )
        if self.executor is Executor.SHARED_ITERATIONS and (self.iterations or 1) < (self.vus or 1):
            raise fault(
                f"{self.iterations or 1} iterations are fewer than {self.vus} VUs; give at least as many"
            )
        if self.max_vus is not None and (self.pre_allocated_vus or 0) > self.max_vus:
            raise fault(f"preAllocatedVUs {self.pre_allocated_vus} is above maxVUs {self.max_vus}")
        return self
