"""What Prometheus is asked about a run, as text. Pure.

Every query is `sum by (...) (max by (<our labels>) (last_over_time(<series of the run>[window])))`: the inner `max`
counts replicas and double scrapes once, `last_over_time` finds series of pods that have gone, and the sums are exact
because the series of a run are its own and begin at 0. Never `rate()`, which extrapolates; never a label that
relabeling or federation may change (pod, instance, job, namespace).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

GOOD = "kload_threshold_good_total"
SAMPLES = "kload_threshold_samples_total"
SUM = "kload_threshold_sum"
REQUESTS = "kload_http_reqs_total"
RUNNER = "kload_runner_info"
FINISHED = "kload_runner_finished"
MARGIN_S = 60.0  # s added to a run's window: clocks differ a little, and more never hurts
_REQUEST_LABELS = "runner, scenario, step, method, status"


class RunQueries:
    """The queries about one run.

    Args:
        matchers: labels of the configuration, for a Prometheus that others use too.
        window_s: from the run's acceptance until now, in seconds.
    """

    def __init__(self, run_uid: str, matchers: Mapping[str, str], window_s: float) -> None:
        labels = {**matchers, "run_uid": run_uid}
        self._selector = ",".join(f"{name}={quoted(labels[name])}" for name in sorted(labels))
        self._window = f"{ceil(max(window_s, 0.0) + MARGIN_S)}s"

    def runners(self) -> str:
        """How many runners have been scraped."""
        return f"count({self._latest(RUNNER, 'runner')})"

    def finished(self) -> str:
        """How many runners were scraped after their numbers were final."""
        return f"count({self._latest(FINISHED, 'runner')} == 1)"

    def coverage(self, metric: str) -> str:
        """From how many runners a threshold's series has been scraped, by threshold."""
        return f"count by (threshold) ({self._latest(metric, 'threshold, runner')})"

    def totals(self, metric: str) -> str:
        """A threshold's number over the whole fleet, by threshold."""
        return f"sum by (threshold) ({self._latest(metric, 'threshold, runner')})"

    def requests(self) -> str:
        """Requests of the whole run: warm-up, setup and teardown are part of it."""
        return f"sum({self._latest(REQUESTS, _REQUEST_LABELS)})"

    def _latest(self, metric: str, labels: str) -> str:
        series = f"{metric}{{{self._selector}}}[{self._window}]"
        return f"max by ({labels}) (last_over_time({series}))"


def quoted(text: str) -> str:
    """Return a label's value as PromQL writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
