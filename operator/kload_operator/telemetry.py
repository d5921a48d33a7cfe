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

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kload_operator.subject import Subject
from kload_spec.result import Result, totals
from kload_spec.verdicts import Verdict

logger = logging.getLogger(__name__)

QUEUE_STUCK_S = 300.0  # s a key may wait or be worked on
STALE_WATCH_S = 180.0  # s a change may stay unseen by the watches
LAG_S = 5.0  # s the loop may be late
TICK_S = 1.0
_RUN = ["namespace", "loadtest", "run"]


class Telemetry:
    """What the operator tells about itself and its runs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)  # a collector by its methods
        self._monotonic = monotonic
        self._results: dict[tuple[str, str], tuple[str, dict[str, dict[str, float]], str]] = {}
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
        numbers = totals(result) if result is not None else {}
        verdict = subject.status.verdict or ""
        self._results[subject.namespace, subject.name] = (str(number), numbers, verdict)

    def knows(self, namespace: str, name: str, number: int) -> bool:
        """Tell whether the numbers of a run are exposed."""
        known = self._results.get((namespace, name))
        return known is not None and known[0] == str(number)

    def forget(self, namespace: str, name: str) -> None:
        """Drop the numbers of a LoadTest that is gone."""
        self._results.pop((namespace, name), None)

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

    def collect(self) -> Iterable[Metric]:
        """Return the official numbers of finished runs."""
        verdicts = GaugeMetricFamily(
            "kload_run_verdict",
            "Verdict of the latest finished run; 1 for the one it is",
            labels=[*_RUN, "verdict"],
        )
        results = GaugeMetricFamily(
            "kload_run_result",
            "Numbers of the latest finished run",
            labels=[*_RUN, "metric", "stat"],
        )
        for (namespace, name), (run, numbers, verdict) in sorted(self._results.items()):
            for known in Verdict:
                verdicts.add_metric(
                    [namespace, name, run, known.value], float(known.value == verdict)
                )
            for metric, stats in numbers.items():
                for stat, value in stats.items():
                    results.add_metric([namespace, name, run, metric, stat], value)
        calls = CounterMetricFamily("kload_operator_api_requests", "Requests to the API server")
        calls.add_metric([], self._calls)
        yield from (verdicts, results, calls)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what is collected depends on the runs there are."""
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
        body = generate_latest(self.registry)
        return web.Response(
            body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        why = self.unhealthy()
        return web.Response(text=why or "ok", status=500 if why else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(
            text="ok" if self.ready else "starting", status=200 if self.ready else 503
        )
