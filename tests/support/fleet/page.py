"""The /metrics page of a simulated runner: the families that are asked of Prometheus, under the runner's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from kload_runner.metrics import families

if TYPE_CHECKING:
    from fleet.runner import SimulatedRunner

_STEP = [*families.RUN, "scenario", "step"]


class Page(Collector):
    """Makes the page from what its runner has counted as of now."""

    def __init__(self, runner: SimulatedRunner) -> None:
        self._runner = runner
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    @property
    def finished(self) -> bool:
        """Whether its numbers are final."""
        return self._runner.finished

    @finished.setter
    def finished(self, finished: bool) -> None:
        """Take what the runner said to whoever serves the page: it is asked again."""

    async def render_sliced(self) -> bytes:
        """Return the page."""
        return generate_latest(self._registry)

    @override
    def collect(self) -> Iterator[Metric]:
        runner = self._runner
        if not runner.description.run.uid:
            return
        run = [
            runner.description.run.uid,
            runner.description.run.loadtest or runner.plan_held.name,
            str(runner.index),
        ]
        info = GaugeMetricFamily("kload_runner_info", "Always 1", labels=[*families.RUN, "version"])
        info.add_metric([*run, "simulated"], 1)
        yield info
        finished = GaugeMetricFamily("kload_runner_finished", "Final", labels=families.RUN)
        finished.add_metric(run, float(self.finished))
        yield finished
        numbers = runner.numbers().shown(runner.manner.shown_share)
        yield from families.of_thresholds(run, numbers.tallies(runner.plan_held))
        requests = CounterMetricFamily(
            "kload_http_reqs", "Requests", labels=[*_STEP, "method", "status"]
        )
        place = [*run, runner.plan_held.scenarios[0].name, "simulated"]
        requests.add_metric([*place, "GET", "200"], numbers.requests - numbers.failed)
        requests.add_metric([*place, "GET", "500"], numbers.failed)
        yield requests
