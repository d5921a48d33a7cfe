"""The generator's health: counts of runners add up, the worse of two levels stays."""

from __future__ import annotations

from kload_spec.health import Health


def test_health_of_runners_adds_up() -> None:
    both = Health(arrivals=10, late_starts=1, loop_lag_p99_s=0.1) + Health(
        arrivals=10, dropped_by_generator=2
    )
    assert both.late_share == 0.15
    assert both.loop_lag_p99_s == 0.1
    assert Health().late_share == 0.0
