"""What a runner leaves in its pod's termination message: why it ended and, where it fits, all that a verdict needs.

The kubelet copies the message into the pod's status, so it is there when nobody asked the runner in time: an operator
that was away for longer than the runners linger judges the run by these totals, if Prometheus has the same. Knows the
shape and the size, not who writes or reads it. Histograms, series and samples of errors stay behind.

Source: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/ (4,096 bytes for a
container, 12 KiB for all containers of a pod)
"""

from __future__ import annotations

import base64
import binascii
import gzip
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from kload_spec.control import Message, RunnerPhase, StopReason
from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.result import Result
from kload_spec.result.document import CheckResult, StepResult

MAX_BYTES = 4096
ALL = "*"  # stands for all steps or checks of a scenario
_CLIP = 400  # characters of a message or fault, where all do not fit
_FROZEN = frozenset({RunnerPhase.FINISHED, RunnerPhase.RELEASED})

_Item = TypeVar("_Item", bound=BaseModel)


class Farewell(Message):
    """The last words of a runner. Every field may be missing: a runner that never began says only why.

    Attributes:
        exit_code: of the runner's process.
        phase: it was in.
        reason: why it could not begin: InvalidSpec, ScriptError, EngineError.
        stop: why its load ended before its time; with `message`.
        requests, iterations: by scenario, for people.
        faults: what broke.
        alone: it tore down by itself, without the totals of the fleet.
        totals: its result document, condensed, gzipped, in base64; empty where it did not fit.
    """

    exit_code: int | None = None
    phase: RunnerPhase | None = None
    reason: str = ""
    stop: StopReason | None = None
    message: str = ""
    requests: dict[str, int] = Field(default_factory=dict)
    iterations: dict[str, int] = Field(default_factory=dict)
    faults: tuple[str, ...] = ()
    alone: bool = False
    totals: str = ""

    @property
    def ended_well(self) -> bool:
        """Whether its load ended as planned and its numbers are final."""
        untroubled = self.stop is None and not self.faults and not self.reason
        return self.exit_code == 0 and self.phase in _FROZEN and untroubled

    def to_text(self) -> str:
        """Return it as JSON of at most `MAX_BYTES`; what does not fit is left out, the totals first."""
        clipped = self.model_copy(
            update={
                "totals": "",
                "message": self.message[:_CLIP],
                "faults": tuple(fault[:_CLIP] for fault in self.faults[:3]),
            }
        )
        bare = clipped.model_copy(update={"requests": {}, "iterations": {}})
        for attempt in (self, self.model_copy(update={"totals": ""}), clipped, bare):
            text = attempt.model_dump_json(by_alias=True, exclude_defaults=True)
            if len(text.encode()) <= MAX_BYTES:
                return text
        return Farewell(exit_code=self.exit_code, reason=self.reason[:_CLIP]).to_json()

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what a termination message says; None where it is none of ours."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    def result(self) -> Result | None:
        """Return the condensed document; None where there is none that can be read."""
        if not self.totals:
            return None
        try:
            return Result.from_bytes(base64.b64decode(self.totals, validate=True))
        except (ValueError, binascii.Error):
            return None


def packed(result: Result) -> str:
    """Return a result document as `Farewell.totals` holds it."""
    text = condensed(result).model_dump_json(by_alias=True, exclude_defaults=True)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def condensed(result: Result) -> Result:
    """Return a document with all counts that a verdict depends on, and nothing else."""
    return result.model_copy(
        update={
            "target": None,
            "versions": {},
            "interval_s": 1,
            "phases": [],
            "runners": [item.model_copy(update={"health": Health()}) for item in result.runners],
            "scenarios": [_bare(item, "duration") for item in result.scenarios],
            "steps": _by_scenario(result.steps, _all_steps),
            "checks": _by_scenario(result.checks, _all_checks),
            "metrics": [],
            "thresholds": [
                item.model_copy(update={"histogram": None}) for item in result.thresholds
            ],
            "errors": [],
        }
    )


def _bare(item: _Item, histogram: str) -> _Item:
    """Return an item with an empty histogram and empty series."""
    fields = type(item).model_fields
    return item.model_copy(
        update={
            histogram: Histogram(),
            "series": fields["series"].get_default(call_default_factory=True),
        }
    )


def _by_scenario(
    items: Iterable[_Item], joined: Callable[[str, Sequence[_Item]], _Item]
) -> list[_Item]:
    groups: dict[str, list[_Item]] = {}
    for item in items:
        groups.setdefault(str(getattr(item, "scenario")), []).append(item)  # noqa: B009  # of both kinds
    return [joined(scenario, group) for scenario, group in groups.items()]


def _all_steps(scenario: str, steps: Sequence[StepResult]) -> StepResult:
    return StepResult(
        scenario=scenario,
        name=ALL,
        requests=sum(step.requests for step in steps),
        failed=sum(step.failed for step in steps),
        redirects=sum(step.redirects for step in steps),
        warmup_requests=sum(step.warmup_requests for step in steps),
        data_sent=sum(step.data_sent for step in steps),
        data_received=sum(step.data_received for step in steps),
    )


def _all_checks(scenario: str, checks: Sequence[CheckResult]) -> CheckResult:
    return CheckResult(
        scenario=scenario,
        step=ALL,
        name=ALL,
        passes=sum(check.passes for check in checks),
        fails=sum(check.fails for check in checks),
    )
