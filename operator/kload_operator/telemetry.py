"""The operator's own /metrics and probes: the official numbers of finished runs, and how the operator itself fares.

`kload_run_result` and `kload_run_verdict` carry the digits that status and report show, for dashboards. Liveness fails
when the operator cannot work any more (a watch that went deaf, a stuck queue), never for an outage of Prometheus or
the API server, which a restart would not heal. A blocked loop does not answer at all, which fails the probe too.

Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from kload_operator.subject import Subject
from kload_spec.result import Result, totals
from kload_spec.verdicts import Verdict

logger = logging.getLogger(__name__)

QUEUE_STUCK_S = 300.0  # s a key may wait or be worked on
STALE_WATCH_S = 180.0  # s a change may stay unseen by the watches
LAG_S = 5.0  # s the loop may be late
TICK_S = 1.0
_RUN = ["namespace", "loadtest", "run"]
_VERDICT = ("kload_run_verdict", "Verdict of the latest finished run; 1 for the one it is")
_RESULT = ("kload_run_result", "Numbers of the latest finished run")


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a LoadTest's latest finished run: samples as text, since they change no more.

    Rendering those of 500 LoadTests at every scrape would hold up the loop for half a second.
    """

    run: str
    verdicts: bytes
    numbers: bytes


class Telemetry:
    """What the operator tells about itself and its runs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)  # a collector by its methods
        self._monotonic = monotonic
        self._told: dict[tuple[str, str], _Told] = {}
        self._failures = Counter(
            "kload_operator_reconcile_errors",
            "Looks that failed",
            ["error"],
            registry=self.registry,
        )
        self._lag = Gauge(
            "kload_operator_loop_lag_seconds", "How late the event loop is", registry=self.registry
        )
        self._queue_oldest = Gauge(
            "kload_operator_queue_oldest_seconds",
            "How long the oldest key waits or is in work",
            registry=self.registry,
        )
        self._queue_length = Gauge(
            "kload_operator_queue_length", "Keys waiting", registry=self.registry
        )
        self._calls = 0
        self._deaf_since: float | None = None
        self.ready = False
        self._lag_s = 0.0
        self._oldest_s = 0.0

    # -- what happens ------------------------------------------------------------------------------------------------

    def failed(self, error: str) -> None:
        """Count a look that failed."""
        self._failures.labels(error).inc()

    def record(self, subject: Subject, number: int, result: Result | None) -> None:
        """Take note of a finished run's verdict, and of its numbers where they were kept."""
        labels = [subject.namespace, subject.name, str(number)]
        verdicts = GaugeMetricFamily(*_VERDICT, labels=[*_RUN, "verdict"])
        for known in Verdict:
            verdicts.add_metric(
                [*labels, known.value], float(known.value == subject.status.verdict)
            )
        numbers = GaugeMetricFamily(*_RESULT, labels=[*_RUN, "metric", "stat"])
        for metric, stats in (totals(result) if result is not None else {}).items():
            for stat, value in stats.items():
                numbers.add_metric([*labels, metric, stat], value)
        self._told[subject.namespace, subject.name] = _Told(
            str(number), _samples(verdicts), _samples(numbers)
        )

    def knows(self, namespace: str, name: str, number: int) -> bool:
        """Tell whether the numbers of a run are exposed."""
        known = self._told.get((namespace, name))
        return known is not None and known.run == str(number)

    def forget(self, namespace: str, name: str) -> None:
        """Drop the numbers of a LoadTest that is gone."""
        self._told.pop((namespace, name), None)

    def observe(self, *, length: int, oldest_s: float, calls: int) -> None:
        """Take note of queue and client."""
        self._oldest_s = oldest_s
        self._queue_oldest.set(oldest_s)
        self._queue_length.set(length)
        self._calls = calls

    def hearing(self, *, deaf: bool) -> None:
        """Take note of whether the watches tell of changes."""
        if not deaf:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = self._monotonic()

    async def watch_loop(self) -> None:
        """Measure how late the event loop runs, until cancelled."""
        while True:
            due = self._monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self._lag_s = max(0.0, self._monotonic() - due)
            self._lag.set(self._lag_s)

    # -- what is asked -------------------------------------------------------------------------------------------------

    def unhealthy(self) -> str:
        """Return why the operator should be restarted; empty: it should not."""
        if self._lag_s > LAG_S:
            return f"the event loop is {self._lag_s:.1f}s late"
        if self._oldest_s > QUEUE_STUCK_S:
            return f"a LoadTest has waited for {self._oldest_s:.0f}s"
        deaf_s = self._monotonic() - self._deaf_since if self._deaf_since is not None else 0.0
        if deaf_s > STALE_WATCH_S:
            return f"the watches have missed changes for {deaf_s:.0f}s"
        return ""

    def page(self) -> bytes:
        """Return the page of metrics: the operator's own, and the official numbers of finished runs."""
        told = [self._told[key] for key in sorted(self._told)]
        return b"".join(
            (
                generate_latest(self.registry),
                _head(*_VERDICT),
                *(item.verdicts for item in told),
                _head(*_RESULT),
                *(item.numbers for item in told),
            )
        )

    def collect(self) -> Iterable[Metric]:
        """Return how many requests the API server was sent: a counter that is kept elsewhere."""
        calls = CounterMetricFamily("kload_operator_api_requests", "Requests to the API server")
        calls.add_metric([], self._calls)
        yield calls

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the name is free."""
        return ()

    async def serve(self, port: int) -> web.AppRunner:
        """Serve /metrics, /healthz and /readyz until the runner returned is cleaned up."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, None, port).start()
        return runner

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self.page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        why = self.unhealthy()
        return web.Response(text=why or "ok", status=500 if why else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(
            text="ok" if self.ready else "starting", status=200 if self.ready else 503
        )


def _head(name: str, description: str) -> bytes:
    return f"# HELP {name} {description}\n# TYPE {name} gauge\n".encode()


def _samples(family: Metric) -> bytes:
    """Return the samples of a family as the exposition format has them, without its head."""
    registry = CollectorRegistry()
    registry.register(_One(family))
    lines = generate_latest(registry).splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"#"))


@dataclass(frozen=True, slots=True, eq=False)
class _One(Collector):
    """Collects one family."""

    family: Metric

    @override
    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return (self.family,)
