"""The LoadTest resource: `kload.dev/v1alpha1`.

Built by `parsing.parse`, which gives the parameters as validation context; what it holds is what was written with
`$(params.x)` put in. Defaults are applied by `planning`, so that the resource keeps exactly what its author set.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kload_spec.model.declarations import DataFeed, GeneratorLimits, Measure, Metric, Script
from kload_spec.model.environment import EnvVar
from kload_spec.model.rules import Thresholds
from kload_spec.model.runners import Runners
from kload_spec.model.scalars import (
    Flag,
    Keys,
    OpenOf,
    PositiveDuration,
    StaticName,
    Whole,
    fault,
    show,
)
from kload_spec.model.scenarios import Scenario
from kload_spec.model.status import Status
from kload_spec.model.steps import SomeSteps
from kload_spec.model.target import Target
from kload_spec.model.written import IDENTIFIER, Written, says

GROUP = "kload.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "LoadTest"
PLURAL = "loadtests"
SHORT_NAME = "klt"
MAX_LOADTEST_NAME = 40  # names of its Jobs and pods are made from it and end at 63
ABORT_ANNOTATION = f"{GROUP}/abort"  # its value is the uid of the run to stop


def _accept_param(value: object) -> object:
    if value is None:
        raise fault("has no value; a parameter needs a default, which is also its type")
    if isinstance(value, str) and "$(" in value:
        raise fault(f"{show(value)}: parameters are constants and cannot hold $( )")
    return value


Params = Annotated[
    dict[str, Annotated[Any, OpenOf(accept=_accept_param)]],
    Field(max_length=128),
    Keys("a parameter", IDENTIFIER),
]
Env = Annotated[tuple[EnvVar, ...], Field(max_length=128)]
Metrics = Annotated[dict[str, Metric], Field(max_length=64), Keys("a metric", IDENTIFIER)]
Blocks = Annotated[dict[str, SomeSteps], Field(max_length=32), Keys("a block")]
Data = Annotated[dict[str, DataFeed], Field(max_length=16), Keys("a data feed")]
Scenarios = Annotated[dict[str, Scenario], Field(min_length=1, max_length=32), Keys("a scenario")]


class Spec(Written):
    """What to run, against what, how much, and what must hold."""

    runners: Annotated[
        Runners | None, says("a fleet", "Runner pods; a local run ignores it.", {"replicas": 3})
    ] = None
    params: Annotated[
        Params | None,
        says(
            "a map of values",
            "Constants of the plan, used as $(params.x) anywhere; `kload run -p peak=5` or a patch sets them.",
            {"peak": 100},
        ),
    ] = None
    env: Annotated[
        Env | None,
        says(
            "a list of variables",
            "Environment, read at run time as env.X; secrets by reference only.",
            [{"name": "API_KEY"}],
        ),
    ] = None
    target: Annotated[
        Target | None,
        says(
            "a target",
            "What is loaded, and what all requests share.",
            {"baseURL": "http://shop.staging.svc"},
        ),
    ] = None
    metrics: Annotated[
        Metrics | None,
        says(
            "a map of metrics",
            "Metrics of the test's own.",
            {"checkout_duration": {"type": "trend", "unit": "time"}},
        ),
    ] = None
    blocks: Annotated[
        Blocks | None,
        says(
            "a map of step lists",
            "Steps shared by name, done with `call`.",
            {"login": [{"post": "/login"}]},
        ),
    ] = None
    data: Annotated[
        Data | None,
        says("a map of data feeds", "Rows for iterations.", {"users": {"file": "data/users.csv"}}),
    ] = None
    scenarios: Annotated[
        Scenarios,
        says(
            "a map of scenarios",
            "Load profiles by name, each with what a VU does.",
            {"browse": {"executor": "constant-vus", "duration": "30s", "steps": [{"get": "/"}]}},
        ),
    ]
    setup: Annotated[
        SomeSteps | None,
        says(
            "steps",
            "Done once per run before the load; every VU sees what it saves.",
            [{"post": "/login"}],
        ),
    ] = None
    teardown: Annotated[
        SomeSteps | None,
        says(
            "steps",
            "Done once per run after the load; sees totals of the whole fleet.",
            [{"get": "/stored"}],
        ),
    ] = None
    thresholds: Annotated[
        Thresholds | None,
        says(
            "a map of rules",
            "What must hold, by metric and selector.",
            {"http_req_duration": ["p(95)<500ms"]},
        ),
    ] = None
    measure: Annotated[
        Measure | None, says("what is measured", "Which part of the load counts.", {"after": "30s"})
    ] = None
    limits: Annotated[
        GeneratorLimits | None,
        says(
            "limits",
            "From where on the load generator itself spoils a measurement.",
            {"lateShare": "1%"},
        ),
    ] = None
    seed: Annotated[
        Annotated[int, Whole(0, 2**53)] | None,
        says(
            "a number",
            "Makes random choices and generated data repeatable. Default: a new one each run.",
            42,
        ),
    ] = None
    script: Annotated[
        Script | None, says("a script", "Code instead of steps.", {"entry": "scenarios/buy.py"})
    ] = None
    suspend: Annotated[
        Flag | None,
        says(
            "true or false",
            "True keeps new runs from starting; one in progress goes on. Default false.",
            True,
        ),
    ] = None
    run_id: Annotated[
        StaticName | None,
        says(
            "a name",
            "A new value is a new run of the same spec; run.id in expressions.",
            "release-42",
        ),
    ] = None
    start_timeout: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "From the run's creation to the first request; else Error/StartTimeout. Default 10m.",
            "10m",
        ),
    ] = None
    active_deadline_seconds: Annotated[
        Annotated[int, Whole(1, 31_536_000)] | None,
        says("seconds", "Bounds the load: reaching it stops the run.", 3600),
    ] = None
    ttl_seconds_after_finished: Annotated[
        Annotated[int, Whole(0, 31_536_000)] | None,
        says(
            "seconds",
            "When children of a finished run are deleted; never the LoadTest itself.",
            86_400,
        ),
    ] = None
    concurrency_group: Annotated[
        StaticName | None,
        says("a name", "Reserved: runs of one group will not overlap.", "staging"),
    ] = None

    @model_validator(mode="after")
    def _unique_variables(self) -> Spec:
        names = [variable.name for variable in self.env or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise fault(f"env declares {', '.join(twice)} twice; keep one")
        return self


class Metadata(BaseModel):
    """What kload reads of an object's metadata; the rest belongs to Kubernetes and is kept out."""

    model_config = ConfigDict(alias_generator=None, extra="ignore", frozen=True)

    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resourceVersion: str | None = None
    deletionTimestamp: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class LoadTest(BaseModel):
    """A load test: what to run, against what, how much, and what must hold."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=None, validate_by_alias=True
    )

    apiVersion: str = API_VERSION
    kind: str = KIND
    metadata: Metadata = Field(default_factory=Metadata)
    spec: Spec
    status: Status | None = None

    @property
    def name(self) -> str:
        """Name of the resource."""
        return self.metadata.name
