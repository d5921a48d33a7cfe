"""The shape of the result document `kload-result/v1`.

Written by the runner (one per runner, then merged) and the operator, read by reports, comparisons and pytest.
Readers ignore fields they do not know and every field but the identity has a default, so that documents of other
versions load.
Base units throughout: seconds, bytes, shares 0..1; wall time is UTC. `warmup_*` and the series include what
`measure.after` keeps out of everything else.
"""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricType, Unit
from kload_spec.result.fields import HistogramField, Number
from kload_spec.result.series import MetricSeries, ScenarioSeries, StepSeries
from kload_spec.thresholds import Outcome, Tally, Threshold, show_outcome
from kload_spec.verdicts import Judgement, Verdict

RESULT_SCHEMA = "kload-result/v1"


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, defer_build=True)


class RunIdentity(_Model):
    """Which run of which LoadTest this is."""

    name: str = Field(description="of the LoadTest")
    namespace: str | None = None
    uid: str = Field(default="", description="of the run")
    run_id: str = Field(default="", description="`runId` of the spec, `run.id` in expressions")
    number: int | None = Field(
        default=None, description="ordinal of the run of this LoadTest, in a cluster"
    )
    spec_hash: str = ""
    plan_hash: str = ""
    seed: int | None = None
    params: dict[str, Any] = Field(default={}, description="parameters of the plan, as used")
    quick: bool = Field(default=False, description="a quick run: the load is not the manifest's")


class PhaseTime(_Model):
    """When a phase of the run or a stage of a scenario took place, in seconds since the load started."""

    name: str = Field(description="setup, load, teardown, or scenario/stage number")
    start_s: float
    end_s: float


class RunnerInfo(_Model):
    """One runner of the fleet."""

    index: int = 0
    node: str | None = None
    pod: str | None = None
    max_rss_bytes: int = 0
    start_skew_s: float = Field(
        default=0.0, description="how late its load started after the common instant"
    )
    health: Health = Health()


class ScenarioResult(_Model):
    """Iterations of one scenario."""

    name: str
    executor: str = ""
    tags: dict[str, str] = {}
    iterations: int = 0
    failed: int = 0
    interrupted: int = Field(default=0, description="cut off at the end; in no other number")
    dropped_by_target: int = Field(default=0, description="all VUs were waiting for the target")
    dropped_by_generator: int = 0
    vus_max: int = Field(default=0, description="VUs that existed")
    warmup_iterations: int = 0
    duration: HistogramField = Field(default_factory=Histogram, description="iteration_duration")
    cut_off: HistogramField | None = Field(
        default=None,
        description="how long requests had waited that were cut off with their iterations; absent without any",
    )
    series: ScenarioSeries = ScenarioSeries()

    @property
    def dropped(self) -> int:
        """Iterations that could not be started, whoever was at fault."""
        return self.dropped_by_target + self.dropped_by_generator


class AnswerCount(_Model):
    """How often a request ended in a certain way."""

    method: str
    status: int = Field(description="0 where no answer came")
    expected: bool
    error: str = Field(
        default="", description="class: dns connect tls timeout reset protocol local"
    )
    count: int


class StepResult(_Model):
    """Requests of one step."""

    scenario: str
    name: str
    tags: dict[str, str] = {}
    requests: int = 0
    failed: int = 0
    redirects: int = Field(
        default=0, description="of the requests: answered by a redirect that was followed"
    )
    warmup_requests: int = 0
    data_sent: int = Field(default=0, description="bytes")
    data_received: int = Field(default=0, description="bytes")
    answers: list[AnswerCount] = []
    duration: HistogramField = Field(default_factory=Histogram, description="http_req_duration")
    expected_duration: HistogramField | None = Field(
        default=None, description="of the expected answers alone; absent where all were expected"
    )
    response_time: HistogramField | None = Field(default=None, description="http_req_response_time")
    phases: dict[str, HistogramField] = Field(
        default={}, description="blocked connecting tls_handshaking sending waiting receiving"
    )
    series: StepSeries = StepSeries()


class CheckResult(_Model):
    """One check or assert."""

    name: str
    scenario: str
    step: str
    is_assert: bool = False
    passes: int = 0
    fails: int = 0
    errors: dict[str, int] = Field(
        default={}, description="why it could not be evaluated, and how often"
    )


class MetricResult(_Model):
    """A custom metric in one step; its definition is repeated so that the document stands alone."""

    name: str
    type: MetricType
    unit: Unit = Unit.NONE
    per_s: float = Field(default=1.0, description="unit of a counter's rate")
    description: str = Field(default="", description="the manifest's own, for reports")
    scenario: str
    step: str = ""
    tags: dict[str, str] = {}
    samples: int = 0
    sum: Number = Field(
        default=0.0, description="for a rate: how many were true; for a gauge: the last value"
    )
    histogram: HistogramField | None = Field(default=None, description="of a trend")
    refused: int = Field(
        default=0, description="values that were not recorded: no number, or a counter going back"
    )
    series: MetricSeries = MetricSeries()


class ThresholdResult(_Model):
    """A threshold, what it was judged from, and how it came out."""

    definition: Threshold
    good: int = 0
    samples: int = 0
    sum: Number = 0.0
    histogram: HistogramField | None = Field(
        default=None, description="of a trend's selected samples, for display"
    )
    missing: int | None = Field(
        default=0, description="samples known to exist but not seen; null: unknown how many"
    )
    judged: bool = Field(default=True, description="false where it is only shown")
    aborted: bool = Field(default=False, description="its breach stopped the run")
    observed: Number | None = None
    held: bool | None = Field(default=None, description="null: not judged, or nothing to judge")

    @property
    def tally(self) -> Tally:
        """The three numbers."""
        return Tally(self.good, self.samples, self.sum)

    @property
    def outcome(self) -> Outcome:
        """How it stands."""
        return Outcome(self.observed, self.held, self.samples)

    @computed_field(description="metric with selector")  # type: ignore[prop-decorator]  # pydantic's documented use
    @property
    def key(self) -> str:
        """The metric with its selector."""
        return self.definition.key

    @computed_field(description="the observed value as people read it")  # type: ignore[prop-decorator]
    @property
    def shown(self) -> str:
        """The observed value as people read it, never contradicting `held`."""
        return show_outcome(self.outcome, self.definition)


class ErrorResult(_Model):
    """A kind of error with one sample, secrets masked."""

    scenario: str
    step: str = ""
    kind: str = Field(description="request, check, record, script, step")
    message: str
    count: int = 1
    sample: str = Field(default="", description="what happened the first time")


class Summary(_Model):
    """The headline numbers: measured, without warm-up, setup and teardown."""

    requests: int = 0
    requests_per_s: float = 0.0
    failed: int = 0
    failed_share: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    avg_ms: float | None = None
    max_ms: float | None = None
    checks_passed: int = 0
    checks_failed: int = 0
    iterations: int = 0
    iterations_failed: int = 0
    dropped: int = 0
    data_sent: int = 0
    data_received: int = 0


class Result(_Model):
    """A finished run."""

    schema_: Literal["kload-result/v1"] = Field(default="kload-result/v1", alias="schema")
    run: RunIdentity
    target: str | None = None
    versions: dict[str, str] = Field(default={}, description="kload, python, event loop, platform")
    started_at: datetime | None = Field(default=None, description="of the load, UTC")
    ended_at: datetime | None = None
    duration_s: float = Field(default=0.0, description="from the start of the load to its last end")
    measured_from_s: float = Field(
        default=0.0, description="`measure.after`: before, only series and warmup_*"
    )
    interval_s: int = Field(default=1, ge=1, description="of all series; a power of two")
    phases: list[PhaseTime] = []
    runners: list[RunnerInfo] = []
    scenarios: list[ScenarioResult] = []
    steps: list[StepResult] = []
    checks: list[CheckResult] = []
    metrics: list[MetricResult] = []
    thresholds: list[ThresholdResult] = []
    health: Health = Health()
    errors: list[ErrorResult] = []
    notes: list[str] = Field(default=[], description="warnings found while it ran")
    verdict: Judgement | None = None
    summary: Summary = Summary()

    @property
    def measured_s(self) -> float:
        """The time that headline rates refer to, in seconds."""
        return max(self.duration_s - self.measured_from_s, 0.0)

    @property
    def passed(self) -> bool:
        """Whether the verdict is Passed; for ``assert result.passed, result.message``."""
        return self.verdict is not None and self.verdict.verdict is Verdict.PASSED

    @property
    def message(self) -> str:
        """Verdict, reason and message in one line."""
        if self.verdict is None:
            return "no verdict yet"
        return f"{self.verdict.verdict} ({self.verdict.reason}): {self.verdict.message}"

    def durations(self, *, scenario: str | None = None, step: str | None = None) -> Histogram:
        """Return `http_req_duration` of the load, or of one scenario or step, in seconds.

        Setup and teardown count only if they are asked for by name.
        """
        return Histogram.merged([item.duration for item in self.load_steps(scenario, step)])

    def load_steps(self, scenario: str | None = None, step: str | None = None) -> list[StepResult]:
        """Return the steps of the load, or those of one scenario or name."""
        return [
            item
            for item in self.steps
            if (item.scenario == scenario if scenario else item.scenario not in OUTSIDE_THE_LOAD)
            and (step is None or item.name == step)
        ]

    def percentile(
        self, percent: float, *, scenario: str | None = None, step: str | None = None
    ) -> float:
        """Return a percentile of `http_req_duration` in milliseconds.

        Args:
            percent: 0 to 100.
            scenario: one scenario only.
            step: one step only.

        Raises:
            ValueError: if there was no such request: no data is not a number.
        """
        value = self.durations(scenario=scenario, step=step).quantile(percent / 100)
        if value is None:
            raise ValueError(
                f"no request of scenario {scenario or 'any'}, step {step or 'any'} was measured"
            )
        return value * 1000

    def to_bytes(self) -> bytes:
        """Return the document as gzipped JSON; the same result gives the same bytes."""
        return gzip.compress(
            self.model_dump_json(by_alias=True, exclude_defaults=False).encode(), 6, mtime=0
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the document from JSON, gzipped or not.

        Raises:
            ValueError: if it is no `kload-result/v1`.
        """
        if data[:2] == b"\x1f\x8b":
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError) as error:
                raise ValueError(f"not a result document: {error}") from error
        return cls.model_validate_json(data)


def result_json_schema() -> dict[str, Any]:
    """Return the JSON schema of the document as it is written."""
    schema = Result.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": RESULT_SCHEMA,
        **schema,
    }
