"""The panels: which question each answers, and the PromQL that answers it. Data and text.

Live panels are estimates, from histograms and rates. The first row shows the operator's gauges: the digits of status
and report. Every query takes the maximum by our own labels first, so that a highly available pair counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

PHASES = ("blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
_RUN = 'loadtest="$loadtest",run_uid=~"$run"'
_INTERVAL = "$__rate_interval"  # Grafana's: wide enough for the scrape interval


@dataclass(frozen=True, slots=True)
class Query:
    """One line, or group of lines, of a panel."""

    promql: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        unit: one of Grafana's: reqps, ops, percentunit, s, short.
        kind: timeseries or stat.
        width: in columns of 24.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def latest(metric: str, by: str = "", *, own: str = "", where: str = "") -> str:
    """Return the fleet's sum of a gauge or counter.

    Args:
        by: labels to keep.
        own: the labels that tell the metric's series of one runner apart.
        where: further matchers.
    """
    return _summed(f"{metric}{{{_selector(where)}}}", by, own)


def rate(metric: str, by: str = "", *, own: str = "", where: str = "") -> str:
    """Return the fleet's rate of a counter a second; arguments as of `latest`."""
    return _summed(f"rate({metric}{{{_selector(where)}}}[{_INTERVAL}])", by, own)


def share(part: str, whole: str) -> str:
    """Return one query divided by another."""
    return f"{part} / {whole}"


def _selector(where: str) -> str:
    return f"{_RUN},{where}" if where else _RUN


def _summed(series: str, by: str, own: str) -> str:
    kept = f" by ({by}) " if by else ""
    told_apart = f"run_uid, runner, {own}" if own else "run_uid, runner"
    return f"sum{kept}(max by ({told_apart}) ({series}))"


def _of_each_runner(metric: str, where: str = "") -> str:
    return f"max by (run_uid, runner) ({metric}{{{_selector(where)}}})"


def _p95(metric: str) -> Query:
    buckets = rate(f"{metric}_bucket", "step, le", own="scenario, step, le")
    return Query(f"histogram_quantile(0.95, {buckets})", "{{step}}")


def _official(title: str, description: str, unit: str, metric: str, stat: str) -> Panel:
    """Return a headline: one number for each LoadTest of that name, told apart by namespace."""
    series = f'kload_run_result{{loadtest="$loadtest",metric="{metric}",stat="{stat}"}}'
    query = Query(_by_namespace(series), "{{exported_namespace}}{{namespace}}")
    return Panel(title, description, unit, (query,), "stat", 4)


def _by_namespace(series: str, more: str = "") -> str:
    # Which of the two a Prometheus has depends on honorLabels; the other is empty, or the operator's own for all.
    return f"max by ({more}exported_namespace, namespace) ({series})"


_VERDICT = Query(
    _by_namespace('kload_run_verdict{loadtest="$loadtest"} == 1', "verdict, "), "{{verdict}}"
)
_REQUESTS, _REQUEST_LABELS = "kload_http_reqs_total", "scenario, step, method, status"
_CHECKS, _CHECK_LABELS = "kload_checks_total", "scenario, step, check, result"


def _phase(name: str) -> Query:
    total, count = (
        rate(f"kload_http_req_{name}_seconds_{part}", own="scenario, step") for part in ("sum", "count")
    )  # fmt: skip
    return Query(share(total, count), name)


ROWS = (
    Row(
        "The latest finished run: the official numbers",
        (
            Panel("Verdict", "As in the status of the LoadTest", "short", (_VERDICT,), "stat", 4),
            _official("Requests", "Of the whole fleet", "short", "http_reqs", "count"),
            _official("Rate", "Requests a second over the run", "reqps", "http_reqs", "rate"),
            _official("Failed", "Requests without an expected answer", "percentunit", "http_req_failed", "rate"),
            _official("Checks", "Those that held", "percentunit", "checks", "rate"),
            _official("p95", "Of http_req_duration", "s", "http_req_duration", "p95"),
        ),
    ),
    Row(
        "Load",
        (
            Panel("VUs", "Active virtual users by scenario", "short", (
                Query(latest("kload_vus", "scenario", own="scenario"), "{{scenario}}"),
            )),
            Panel("Requests", "By step", "reqps", (Query(rate(_REQUESTS, "step", own=_REQUEST_LABELS), "{{step}}"),)),
            Panel("Iterations", "Ended, failed, and those that could not be started, by cause", "ops", (
                Query(rate("kload_iterations_total", "scenario", own="scenario"), "{{scenario}}"),
                Query(rate("kload_iterations_failed_total", "scenario", own="scenario"), "{{scenario}}: failed"),
                Query(rate("kload_dropped_iterations_total", "cause", own="scenario, cause"), "dropped: {{cause}}"),
            )),
        ),
    ),
    Row(
        "Answers (estimates; the official numbers are above)",
        (
            Panel("p95 of http_req_duration", "By step, from buckets", "s", (_p95("kload_http_req_duration_seconds"),)),
            Panel("p95 of http_req_response_time", "Arrival rates: from the intended start, so that stalls show", "s", (
                _p95("kload_http_req_response_time_seconds"),
            )),
            Panel("Where a request's time goes", "Mean of each phase", "s", tuple(_phase(name) for name in PHASES)),
            Panel("Failed", "Share of requests without an expected answer, by step", "percentunit", (
                Query(
                    share(
                        rate("kload_http_req_failed_total", "step", own="scenario, step"),
                        rate(_REQUESTS, "step", own=_REQUEST_LABELS),
                    ),
                    "{{step}}",
                ),
            )),
            Panel("Status", "0: no answer", "reqps", (
                Query(rate(_REQUESTS, "status", own=_REQUEST_LABELS), "{{status}}"),
            )),
            Panel("Errors", "Requests without an answer, by class", "reqps", (
                Query(rate("kload_http_req_errors_total", "error", own="scenario, step, error"), "{{error}}"),
            )),
        ),
    ),
    Row(
        "Rules",
        (
            Panel("Checks", "Share that holds", "percentunit", (
                Query(
                    share(
                        rate(_CHECKS, "check", own=_CHECK_LABELS, where='result="pass"'),
                        rate(_CHECKS, "check", own=_CHECK_LABELS),
                    ),
                    "{{check}}",
                ),
            ), width=12),
            Panel("Thresholds", "Share of the samples so far that fulfil them", "percentunit", (
                Query(
                    share(
                        latest("kload_threshold_good_total", "threshold", own="threshold"),
                        latest("kload_threshold_samples_total", "threshold", own="threshold"),
                    ),
                    "{{threshold}}",
                ),
            ), width=12),
        ),
    ),
    Row(
        "The generator: was it the bottleneck?",
        (
            Panel("CPU", "By runner; at 1, one core, the target could have been pushed harder", "percentunit", (
                Query(_of_each_runner("kload_runner_cpu_share"), "{{runner}}"),
            )),
            Panel("Loop lag p99", "What every answer waits before it is read", "s", (
                Query(_of_each_runner("kload_runner_loop_lag_seconds", 'stat="p99"'), "{{runner}}"),
            )),
            Panel("Late, missed, own errors, throttled", "So far; all should stay at 0", "short", (
                Query(latest("kload_runner_late_starts_total"), "arrivals started late"),
                Query(latest("kload_runner_missed_paces_total"), "paces missed"),
                Query(latest("kload_runner_local_errors_total"), "own errors (ports, files)"),
                Query(latest("kload_runner_cpu_throttled_seconds_total"), "seconds throttled"),
            )),
        ),
    ),
)  # fmt: skip
