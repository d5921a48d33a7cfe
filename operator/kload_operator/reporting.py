"""Numbers of a run as the status shows them: texts with units, as `kubectl get` prints them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kload_spec.control import StatusReply
from kload_spec.histogram import Histogram
from kload_spec.model import Generator, Summary, ThresholdStatus
from kload_spec.plan import Plan
from kload_spec.result import Result
from kload_spec.thresholds import Tally, judge, show_value
from kload_spec.verdicts import Verdict

_QUANTILES = (0.5, 0.95, 0.99)


def final_summary(result: Result) -> Summary:
    """Return the headline numbers of a finished run: the digits that report and dashboards show."""
    head, health = result.summary, result.health
    checks = head.checks_passed + head.checks_failed
    return Summary(
        vus=sum(item.vus_max for item in result.scenarios),
        requests=head.requests,
        rate=shown_rate(head.requests_per_s),
        failed=shown_share(head.failed, head.requests),
        p50=shown_time(head.p50_ms),
        p95=shown_time(head.p95_ms),
        p99=shown_time(head.p99_ms),
        checks=shown_share(head.checks_passed, checks),
        iterations=head.iterations,
        dropped=head.dropped,
        generator=Generator(
            loop_lag_p99=shown_time(health.loop_lag_p99_s * 1000),
            cpu=f"{health.cpu_share * 100:.0f}%",
            late_starts=health.late_starts,
            dropped=health.dropped_by_generator,
            local_errors=health.local_errors,
        ),
    )


def live_summary(
    statuses: Sequence[StatusReply], before: Summary | None, passed_s: float
) -> Summary:
    """Return the headline numbers of a run in progress.

    Args:
        before: the summary before this one, for the rate since then.
        passed_s: seconds since it was written.
    """
    requests = sum(item.requests for item in statuses)
    checks = sum(item.checks_passed for item in statuses)
    latency = Histogram.merged(
        [Histogram.from_json(item.latency) for item in statuses if item.latency]
    )
    p50, p95, p99 = latency.quantiles(_QUANTILES)
    elapsed_s = max((item.elapsed_s for item in statuses), default=0.0)
    earlier = (before.requests or 0) if before else 0
    rate = (requests - earlier) / passed_s if before and passed_s > 0 else 0.0
    if rate <= 0:
        rate = requests / elapsed_s if elapsed_s > 0 else 0.0
    return Summary(
        vus=sum(item.vus for item in statuses),
        requests=requests,
        rate=shown_rate(rate),
        failed=shown_share(sum(item.failed for item in statuses), requests),
        p50=shown_time(_ms(p50)),
        p95=shown_time(_ms(p95)),
        p99=shown_time(_ms(p99)),
        checks=shown_share(checks, checks + sum(item.checks_failed for item in statuses)),
        iterations=sum(item.iterations for item in statuses),
        dropped=sum(item.dropped for item in statuses),
    )


def final_thresholds(result: Result) -> tuple[ThresholdStatus, ...]:
    """Return every threshold as it came out."""
    verdicts = {True: Verdict.PASSED, False: Verdict.FAILED, None: Verdict.INCONCLUSIVE}
    return tuple(
        ThresholdStatus(
            metric=item.key,
            expression=item.definition.text,
            observed=item.shown,
            verdict=verdicts[item.held],
            samples=item.samples,
        )
        for item in result.thresholds
    )


def live_thresholds(
    plan: Plan, tallies: Mapping[str, Tally], elapsed_s: float
) -> tuple[ThresholdStatus, ...]:
    """Return every threshold as it stands; without a verdict while the run goes on."""
    measured_s = max(0.0, elapsed_s - plan.measure_after_s)
    found = []
    for threshold in plan.thresholds:
        outcome = judge(threshold, tallies.get(threshold.id, Tally()), duration_s=measured_s)
        observed = None if outcome.observed is None else show_value(outcome.observed, threshold)
        found.append(
            ThresholdStatus(
                metric=threshold.key,
                expression=threshold.text,
                observed=observed,
                samples=outcome.samples,
            )
        )
    return tuple(found)


def ended_at(result: Result) -> datetime | None:
    """Return when the load ended."""
    return result.ended_at


def shown_rate(rate: float) -> str:
    """Return a rate: ``98.4/s``, ``1234/s``."""
    return f"{rate:.0f}/s" if rate >= 100 else f"{rate:.3g}/s"


def shown_share(part: int, whole: int) -> str | None:
    """Return a share: ``0.12%``; None of nothing. 0 % and 100 % are shown only where they are exact."""
    if not whole:
        return None
    percent = 100 * part / whole
    text = f"{percent:.2f}".rstrip("0").rstrip(".")
    if text == "100" and part != whole:
        text = "99.99"
    if text == "0" and part:
        text = "<0.01"
    return f"{text}%"


def shown_time(ms: float | None) -> str | None:
    """Return a time: ``4.21ms``, ``1.3s``."""
    if ms is None:
        return None
    if ms >= 10_000:
        return f"{ms / 1000:.3g}s"
    return f"{ms:.0f}ms" if ms >= 100 else f"{ms:.3g}ms"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000.0
