"""Recorder -> /metrics, in Prometheus' text format: the only user of prometheus_client.

Families are built from the recorder's counters when the page is asked for: recording costs nothing extra, and every
series exists (at 0) from the moment it is bound. There are no `_created` series: families are built without a creation
time.

A page of a large plan takes 25 ms to build and print, which would be seen in every latency measured meanwhile. So
it is made in pieces of a few steps each, with the event loop's turn between them (`render_sliced`, longest stall
measured: under 1 ms); `render` makes it in one go. A thread would be worse: it holds the interpreter for 5 ms at a
time. Numbers of different pieces are a few milliseconds apart while load is running; when it is over, they are final.

Labels of every series: run_uid, loadtest, runner; then scenario and step; method, status on counters only.
Names are k6's with the prefix `kload_` and base units.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kload_runner.metrics import families
from kload_runner.metrics.recorder import Recorder
from kload_spec.health import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What tells the series of one runner of one run apart from all others."""

    run_uid: str
    loadtest: str
    runner: str


class _OneFamily:
    """What generate_latest takes for a registry."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


class Exposition:
    """The /metrics page of one runner."""

    def __init__(
        self,
        recorder: Recorder,
        labels: RunLabels,
        *,
        health: Callable[[], Health] = Health,
        version: str = "",
    ) -> None:
        """Make the page.

        Args:
            health: called once per page for the generator's own numbers.
            version: of kload, for `kload_runner_info`.
        """
        self._recorder, self._health, self._version = recorder, health, version
        self._run = [labels.run_uid, labels.loadtest, labels.runner]
        self.finished = False

    def render(self) -> bytes:
        """Return the page, made in one go."""
        return b"".join(self._pieces())

    async def render_sliced(self) -> bytes:
        """Return the page, giving the event loop its turn between its pieces."""
        await self._recorder.roll_sliced()
        parts: list[bytes] = []
        for part in self._pieces():
            parts.append(part)
            await asyncio.sleep(0)
        return b"".join(parts)

    def _pieces(self) -> Iterator[bytes]:
        """Print one family after the other, large ones in pieces of which the first has the header."""
        name = ""
        for family in self._families():
            text: bytes = generate_latest(_OneFamily(family))
            yield _without_header(text) if family.name == name else text
            name = family.name

    def _families(self) -> Iterator[Metric]:
        recorder, run = self._recorder, self._run
        yield from self._runner()
        yield from families.of_thresholds(run, recorder.thresholds())
        yield from families.of_scenarios(run, list(recorder.scenarios.values()))
        yield from families.of_steps(run, list(recorder.steps.values()))
        yield from families.of_custom_metrics(run, list(recorder.custom.values()))

    def _runner(self) -> Iterator[Metric]:
        health = self._health()
        info = GaugeMetricFamily(
            "kload_runner_info", "This runner; always 1", labels=[*families.RUN, "version"]
        )
        info.add_metric([*self._run, self._version], 1)
        yield info
        yield self._gauge(
            "kload_runner_finished", "1 when all numbers are final", float(self.finished)
        )
        lag = GaugeMetricFamily(
            "kload_runner_loop_lag_seconds",
            "How late the event loop ran timers",
            labels=[*families.RUN, "stat"],
        )
        lag.add_metric([*self._run, "p50"], health.loop_lag_p50_s)
        lag.add_metric([*self._run, "p99"], health.loop_lag_p99_s)
        lag.add_metric([*self._run, "max"], health.loop_lag_max_s)
        yield lag
        yield self._gauge(
            "kload_runner_cpu_share", "CPU used, as a share of one core", health.cpu_share
        )
        yield self._counter("kload_runner_cpu_seconds", "CPU time used", health.cpu_seconds)
        yield self._counter(
            "kload_runner_cpu_throttled_seconds",
            "Time held back by the cgroup",
            health.cpu_throttled_s,
        )
        yield self._counter(
            "kload_runner_arrivals", "Iterations an arrival rate was to start", health.arrivals
        )
        yield self._counter("kload_runner_late_starts", "Arrivals started late", health.late_starts)
        yield self._counter(
            "kload_runner_missed_paces", "Iterations longer than their pace", health.missed_paces
        )
        yield self._counter(
            "kload_runner_local_errors",
            "Requests failed by our own exhaustion",
            health.local_errors,
        )

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=families.RUN)
        family.add_metric(self._run, value)
        return family

    def _counter(self, name: str, text: str, value: float) -> Metric:
        family = CounterMetricFamily(name, text, labels=families.RUN)
        family.add_metric(self._run, value)
        return family


def _without_header(text: bytes) -> bytes:
    """Drop HELP and TYPE, which the first piece of the family has."""
    return b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"#"))
