"""What is measured: the built-in metrics under k6's names, and the shape of a custom one.

Data only; how samples are counted is the runner's business (`kload_runner.metrics`), what they must fulfil is
`thresholds`.
Read by planning (which names exist), the recorder (what to pre-create) and the reports (how to print a value).

Base units: seconds, bytes, a share 0..1, a plain number. The language speaks milliseconds; the recorder converts
custom time metrics when it records them.

Source: names and meanings https://grafana.com/docs/k6/latest/using-k6/metrics/reference/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class MetricType(StrEnum):
    """How samples of a metric combine."""

    COUNTER = "counter"  # a sum that only grows
    GAUGE = "gauge"  # the latest value; for graphs, not for thresholds
    RATE = "rate"  # the share of samples that are true
    TREND = "trend"  # a distribution


class Unit(StrEnum):
    """What the number of a sample means."""

    NONE = "none"
    TIME = "time"  # seconds inside, milliseconds in the language
    BYTES = "bytes"


# Values of the tag `scenario` for what is done once, before and after the load: in no number of the load.
OUTSIDE_THE_LOAD = ("setup", "teardown")

_REQUEST_TAGS = ("scenario", "step", "method", "status", "expected_response", "error")
_STEP_TAGS = ("scenario", "step")
_SCENARIO_TAGS = ("scenario",)
SYSTEM_TAGS = frozenset({*_REQUEST_TAGS, "check"})  # all that built-in metrics carry


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric by name.

    Attributes:
        per_s: unit of a counter's `rate` in seconds: 60 for ``per: 1m``.
        tags: tags its samples carry besides the user's own.
        builtin: False for metrics declared in the manifest.
    """

    name: str
    type: MetricType
    unit: Unit = Unit.NONE
    per_s: float = 1.0
    description: str = ""
    tags: tuple[str, ...] = _STEP_TAGS
    builtin: bool = False


def _builtin(
    name: str, kind: MetricType, unit: Unit, tags: tuple[str, ...], description: str
) -> MetricDefinition:
    return MetricDefinition(name, kind, unit, 1.0, description, tags, builtin=True)


_COUNTER, _GAUGE, _RATE, _TREND = (
    MetricType.COUNTER,
    MetricType.GAUGE,
    MetricType.RATE,
    MetricType.TREND,
)

BUILTIN_METRICS: tuple[MetricDefinition, ...] = (
    _builtin("vus", _GAUGE, Unit.NONE, _SCENARIO_TAGS, "VUs running an iteration"),
    _builtin("vus_max", _GAUGE, Unit.NONE, _SCENARIO_TAGS, "VUs that exist"),
    _builtin(
        "iterations", _COUNTER, Unit.NONE, _SCENARIO_TAGS, "Iterations that ended by themselves"
    ),
    _builtin(
        "iteration_duration",
        _TREND,
        Unit.TIME,
        _SCENARIO_TAGS,
        "A whole iteration, sleeps included",
    ),
    _builtin(
        "iterations_failed", _RATE, Unit.NONE, _SCENARIO_TAGS, "Iterations that failed or raised"
    ),
    _builtin(
        "dropped_iterations",
        _COUNTER,
        Unit.NONE,
        _SCENARIO_TAGS,
        "Iterations that could not be started",
    ),
    _builtin("checks", _RATE, Unit.NONE, (*_STEP_TAGS, "check"), "Checks that held"),
    _builtin("data_sent", _COUNTER, Unit.BYTES, _STEP_TAGS, "Bytes written, headers included"),
    _builtin("data_received", _COUNTER, Unit.BYTES, _STEP_TAGS, "Bytes read, headers included"),
    _builtin("http_reqs", _COUNTER, Unit.NONE, _REQUEST_TAGS, "Requests; each redirect hop is one"),
    _builtin(
        "http_req_failed", _RATE, Unit.NONE, _REQUEST_TAGS, "Requests without an expected answer"
    ),
    _builtin(
        "http_req_duration", _TREND, Unit.TIME, _REQUEST_TAGS, "Sending + waiting + receiving"
    ),
    _builtin(
        "http_req_response_time",
        _TREND,
        Unit.TIME,
        _REQUEST_TAGS,
        "From the intended start to the answer read",
    ),
    _builtin(
        "http_req_blocked",
        _TREND,
        Unit.TIME,
        _REQUEST_TAGS,
        "Until a connection was there; DNS, connect and TLS are part of it",
    ),
    _builtin("http_req_connecting", _TREND, Unit.TIME, _REQUEST_TAGS, "TCP connect"),
    _builtin("http_req_tls_handshaking", _TREND, Unit.TIME, _REQUEST_TAGS, "TLS handshake"),
    _builtin("http_req_sending", _TREND, Unit.TIME, _REQUEST_TAGS, "Writing the request"),
    _builtin(
        "http_req_waiting", _TREND, Unit.TIME, _REQUEST_TAGS, "Until the first byte of the answer"
    ),
    _builtin("http_req_receiving", _TREND, Unit.TIME, _REQUEST_TAGS, "Reading the answer"),
)

BUILTIN = MappingProxyType({metric.name: metric for metric in BUILTIN_METRICS})

# Names under which runners and the operator expose numbers of their own; kload_<name> would be two things at once.
RESERVED_PREFIXES = ("http_req", "run_", "runner_", "threshold_")

# What the unit adds to a name on /metrics.
UNIT_SUFFIX = MappingProxyType({Unit.TIME: "_seconds", Unit.BYTES: "_bytes", Unit.NONE: ""})

_SERIES = MappingProxyType(
    {
        MetricType.COUNTER: ("", "_total", "_created"),
        MetricType.GAUGE: ("",),
        MetricType.RATE: ("", "_total", "_created", "_samples", "_samples_total"),
        MetricType.TREND: ("", "_bucket", "_sum", "_count", "_created"),
    }
)


def exposed_names(metric: MetricDefinition) -> frozenset[str]:
    """Return every name that a metric takes on /metrics: its own and those of its series.

    Two metrics that share one could not be told apart (OpenMetrics 1.0, "MetricFamily").
    """
    name = f"kload_{metric.name}{UNIT_SUFFIX[metric.unit]}"
    if metric.type in (MetricType.COUNTER, MetricType.RATE):
        name = name.removesuffix("_total")  # as prometheus-client does
    return frozenset(name + suffix for suffix in _SERIES[metric.type])
