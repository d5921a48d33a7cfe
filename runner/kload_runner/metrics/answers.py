"""One way in which the requests of a step end (method, status, expected or not), and what it counts for.

An exchange waits here as a row; rows become columns, one per distribution, and full columns are worked off
(`trends`). Rows of kept-alive connections are short: they neither waited for a connection nor made one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from kload_runner.metrics.tallies import Tallies
from kload_runner.metrics.trends import BATCH, Column, Phase, Trend

PHASES = ("sending", "waiting", "receiving", "blocked", "connecting", "tls_handshaking")
ROWS = 128  # rows to be turned into columns at once; about 10 us

# duration sending waiting receiving bytes_sent bytes_received late
Row = tuple[float, float, float, float, int, int, float]
# the same, then blocked connecting tls
FreshRow = tuple[float, float, float, float, int, int, float, float, float, float]


class Answer:
    """Requests that ended in one way.

    `rows` are of kept-alive connections, `fresh` of new ones; `late` in a row is how long after the intended start
    the request was begun, -inf for a redirect hop, which has no response time.
    """

    __slots__ = (
        "_columns", "_response_time", "_shaking", "before", "drained", "error", "expected", "fresh", "method",
        "received", "rows", "sample", "sent", "status", "written",
    )  # fmt: skip

    def __init__(
        self, method: str, status: int, expected: bool, error: str = "", *, written: bool = True
    ) -> None:
        self.method, self.status, self.expected, self.error, self.written = (
            method,
            status,
            expected,
            error,
            written,
        )
        self.rows: list[Row] = []
        self.fresh: list[FreshRow] = []
        self.drained = self.before = self.sent = self.received = 0
        self.sample = ""
        self._columns: tuple[Column, ...] = ()
        self._shaking: tuple[Column, ...] = ()
        self._response_time: Column | None = None

    def attach(
        self,
        tallies: Tallies,
        tags: Mapping[str, str],
        trends: tuple[Trend, Trend | None],
        phases: Mapping[str, Phase],
    ) -> None:
        """Find out which thresholds this kind concerns, and where its values go.

        Args:
            tags: of the step.
            trends: duration and response time (None: the step has none).
            phases: of the step, by the names of `PHASES`.
        """
        tags = {
            **tags,
            "method": self.method,
            "status": str(self.status),
            "expected_response": "true" if self.expected else "false",
            **({"error": self.error} if self.error else {}),
        }
        tallies.attach("http_reqs", tags, self._requests)
        tallies.attach("http_req_failed", tags, self._failures)

        def column(name: str, target: Trend | Phase, position: int) -> Column:
            # Different limits, so that the columns of one step are not all due at the same moment.
            return Column(
                target, tallies.submetrics(f"http_req_{name}", tags), BATCH - 96 * position
            )

        duration, response_time = trends
        self._columns = (
            column("duration", duration, 0),
            *(column(name, phases[name], position) for position, name in enumerate(PHASES[:3], 1)),
        )
        self._shaking = tuple(column(name, phases[name], 0) for name in PHASES[3:])
        self._response_time = (
            column("response_time", response_time, 4) if response_time is not None else None
        )

    # -- counting ------------------------------------------------------------------------------------------------

    @property
    def lifetime(self) -> int:
        """How many there were, warm-up included."""
        return self.drained + len(self.rows) + len(self.fresh)

    @property
    def measured(self) -> int:
        """How many there were, without warm-up."""
        return self.lifetime - self.before

    def _requests(self) -> tuple[int, int, float]:
        count = self.measured
        return count, count, float(count)

    def _failures(self) -> tuple[int, int, float]:
        count = self.measured
        failed = 0 if self.expected else count
        return failed, count, float(failed)

    # -- working off ---------------------------------------------------------------------------------------------

    def drain_rows(self) -> None:
        """Turn the rows of kept-alive connections into columns."""
        rows = self.rows
        if not rows:
            return
        *timings, sent, received, late = zip(*rows, strict=True)
        for column, values in zip(self._columns, timings, strict=True):
            column.extend(values)
        for column in self._shaking:
            target = column.target
            if isinstance(target, Phase):
                target.add_zeros(len(rows), column.submetrics)
        if self._response_time is not None:
            self._time_responses(late, timings[0])
        self.sent += sum(sent)
        self.received += sum(received)
        self.drained += len(rows)
        rows.clear()

    def drain_fresh(self) -> None:
        """Turn the rows of new connections into columns; nothing was written where there is none."""
        rows = self.fresh
        if not rows:
            return
        *timings, sent, received, late, blocked, connecting, tls = zip(*rows, strict=True)
        # k6's `blocked` contains the handshakes of a new connection.
        waited = [sum(parts) for parts in zip(blocked, connecting, tls, strict=True)]
        if self.written:
            for column, values in zip(self._columns, timings, strict=True):
                column.extend(values)
        for column, spent in zip(self._shaking, (waited, connecting, tls), strict=True):
            column.extend(spent)
        if self._response_time is not None:
            begun = [behind + before for behind, before in zip(late, waited, strict=True)]
            self._time_responses(begun, timings[0])
        self.sent += sum(sent)
        self.received += sum(received)
        self.drained += len(rows)
        rows.clear()

    def _time_responses(self, begun: Iterable[float], durations: Iterable[float]) -> None:
        """Count from the intended start to the answer read; where none came, it took for ever."""
        if self._response_time is None:
            return
        took = [
            after + duration
            for after, duration in zip(begun, durations, strict=True)
            if after > -inf
        ]
        self._response_time.extend([inf] * len(took) if self.error else took)

    def flush(self) -> None:
        """Work off everything that is waiting."""
        self.drain_rows()
        self.drain_fresh()
        for column in (*self._columns, *self._shaking):
            column.flush()
        if self._response_time is not None:
            self._response_time.flush()
