"""How a simulated runner behaves: its load, its numbers, and what goes wrong with it. Values only."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Manner(BaseModel):
    """The behaviour of one runner; by default everything goes well and quickly.

    Attributes:
        load_s: how long its load lasts, in seconds.
        rate_per_s: requests per second of it.
        latency_s: duration of every request, in seconds.
        failed_share: share of requests, iterations and checks that fail, 0 to 1.
        true_share: for declared rates by name: share of samples that are true; 0 where nothing is said.
        setup_s: how long setup takes, in seconds; `teardown_s` likewise.
        setup_failure: message of a setup that fails; `teardown_failure` likewise. Empty: it does not.
        setup_vars: what setup leaves.
        plan_hash: hash it claims to hold in place of its own.
        own_files: it has read other files of the test than any other runner.
        refuses_start: answers every start with 409.
        late_s: how late its load begins.
        shown_share: share of its final numbers that its /metrics page shows: what is missing is lost to Prometheus.
        silent: takes requests to the control API and never answers; `metrics_silent` likewise for /metrics.
        dies_after_s: so many seconds into the load it is gone and its pod has failed.
        vanishes_after_s: so many seconds into the load it is gone and its pod seems to run on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_s: float = 3.0
    rate_per_s: float = 100.0
    latency_s: float = 0.01
    failed_share: float = 0.0
    true_share: dict[str, float] = Field(default_factory=dict)
    setup_s: float = 0.0
    setup_failure: str = ""
    setup_vars: dict[str, str] = Field(default_factory=dict)
    teardown_s: float = 0.0
    teardown_failure: str = ""
    plan_hash: str = ""
    own_files: bool = False
    refuses_start: bool = False
    late_s: float = 0.0
    shown_share: float = 1.0
    silent: bool = False
    metrics_silent: bool = False
    dies_after_s: float | None = None
    vanishes_after_s: float | None = None


_MANNERS = TypeAdapter(dict[str, Manner])


class Manners:
    """The manners of a fleet, from a file that a test may rewrite at any time.

    The file is JSON: an index (as text) to its manner, and ``default`` for all others.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._known: dict[str, Manner] = {}

    def of(self, index: int) -> Manner:
        """Return the manner of a runner as of now."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._read_at:
            self._known = _MANNERS.validate_json(self._path.read_bytes())
            self._read_at = changed
        return self._known.get(str(index)) or self._known.get("default") or Manner()


def write_manners(path: Path, default: Manner | None = None, **by_index: Manner) -> None:
    """Write a fleet's manners; runners are named ``r0``, ``r1`` ... as keywords."""
    known = {"default": default or Manner()}
    known |= {name.removeprefix("r"): manner for name, manner in by_index.items()}
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(_MANNERS.dump_json(known))
    unfinished.rename(path)
