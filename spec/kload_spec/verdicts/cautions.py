"""What should be known beside a verdict, and changes nothing about it.

Mostly how the generator itself did, within its limits: `rules` speaks of what is beyond them.
"""

from __future__ import annotations

from kload_spec import numbers
from kload_spec.verdicts.model import Evidence, Reason

LONG_ENOUGH_S = 1.0  # s; in a shorter load the core is busy with its first connections


def cautions(evidence: Evidence, reason: Reason) -> tuple[str, ...]:
    """Return what should be known beside the verdict."""
    health, limits = evidence.health, evidence.limits
    found = list(evidence.notes)
    if health.dropped_by_target:
        dropped = f"{numbers.count(health.dropped_by_target)} of {numbers.count(health.arrivals)} arrivals"
        found.append(
            f"{dropped} were dropped because all VUs were waiting for the target; it is too slow for this rate, or"
            " maxVUs is too low"
        )
    if health.late_share and reason is not Reason.LOAD_NOT_DELIVERED:  # which says so itself
        found.append(
            f"{numbers.share(health.late_share)} of arrivals were late or dropped by the generator"
        )
    long_enough = evidence.duration_s is None or evidence.duration_s >= LONG_ENOUGH_S
    if evidence.closed_loop and long_enough and health.cpu_share > limits.cpu_share:
        used = numbers.progress(health.cpu_share)
        found.append(
            f"the generator used {used} of its core: the target could have been pushed harder;"
            " use more runners or workers to find its limit"
        )
    if health.cpu_throttled_s:
        found.append(
            f"the generator was throttled for {_time(health.cpu_throttled_s)}; raise its CPU limit, or remove it"
        )
    if health.missed_paces:
        found.append(
            f"{numbers.count(health.missed_paces)} iterations took longer than their `pace`"
        )
    overstated = [
        item
        for item in evidence.judged
        if item.threshold.is_latency
        and item.outcome.held
        and health.loop_lag_p99_s > limits.loop_lag_share * item.threshold.bound
    ]
    if overstated:
        found.append(
            f"loop lag p99 was {_time(health.loop_lag_p99_s)}: the latencies shown are overstated by up to that"
        )
    return tuple(found)


def _time(seconds: float) -> str:
    return numbers.milliseconds(seconds * 1000)
