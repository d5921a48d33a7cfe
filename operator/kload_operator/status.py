"""The status of a LoadTest, from what is known of its run. Pure.

`reconcile` says phase, verdict and messages; here they become conditions as kubectl wait, Flux (kstatus) and Argo CD
read them. Conditions speak of `observedGeneration` only: while a newer generation waits for the run in progress,
Reconciling is True and all others are Unknown. Reconciling and Stalled are never True together.

    phase            Reconciling  Stalled  Ready    Succeeded  Finished
    before the end   True         False    Unknown  Unknown    False
    Passed           False        False    True     True       True
    other verdicts   False        True     False    False      True
    Suspended        True         False    False    Unknown    False
    newer waits      True         Unknown  Unknown  Unknown    Unknown

Source: Kubernetes API conventions; kstatus (cli-utils); reliability notes on `kubectl wait`.
"""

from __future__ import annotations

from datetime import datetime

from kload_spec.model import Condition, ConditionStatus, ConditionType, PastRun, Phase, Status
from kload_spec.model.status import MAX_HISTORY
from kload_spec.verdicts import Verdict

MAX_MESSAGE = 4_000  # characters of a message that is copied into several places
WAITING = "WaitingForRun"
_T, _F, _U = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_ORDER = (
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.READY,
    ConditionType.SUCCEEDED,
    ConditionType.FINISHED,
)


def timestamp(at: datetime) -> str:
    """Return a time as the Kubernetes API writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def precise(at: datetime) -> str:
    """Return a time with its milliseconds, for intents that are compared with clocks."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def moment(text: str | None) -> datetime | None:
    """Return a time that was written by `timestamp` or `precise`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def since_s(text: str | None, now: datetime) -> float:
    """Return the seconds since a written time; 0 where there is none."""
    at = moment(text)
    return (now - at).total_seconds() if at is not None else 0.0


def clipped(message: str, most: int = MAX_MESSAGE) -> str:
    """Return a message that fits."""
    return message if len(message) <= most else message[: most - 1] + "…"


def dressed(status: Status, *, generation: int, waiting: bool, now: datetime) -> Status:
    """Return a status with its generation and conditions.

    Args:
        generation: of the LoadTest as it is now.
        waiting: a newer spec waits for the run in progress.
    """
    wanted = _wanted(status, waiting)
    before = {item.type: item for item in status.conditions or ()}
    reason = WAITING if waiting else status.reason or str(status.phase or "Pending")
    message = clipped(status.message or "")
    if waiting:
        message = f"generation {generation} waits for run {status.run.number if status.run else 0}"
    found = [
        _condition(before.get(kind), kind, wanted[kind], reason, message, generation, now)
        for kind in _ORDER
    ]
    kept = before.get(ConditionType.METRICS_COMPLETE)
    if kept is not None and (waiting or status.verdict is None):
        found.append(
            _condition(
                kept, ConditionType.METRICS_COMPLETE, _U, reason, "not known yet", generation, now
            )
        )
    elif kept is not None:
        found.append(kept.model_copy(update={"observed_generation": generation}))
    return status.model_copy(
        update={
            "observed_generation": generation,
            "message": clipped(status.message) if status.message else status.message,
            "conditions": tuple(found),
        }
    )


def with_metrics_complete(
    status: Status, complete: bool, message: str, *, generation: int, now: datetime
) -> Status:
    """Return a status that says whether Prometheus had all numbers."""
    others = [
        item for item in status.conditions or () if item.type != ConditionType.METRICS_COMPLETE
    ]
    before = next(
        (i for i in status.conditions or () if i.type == ConditionType.METRICS_COMPLETE), None
    )
    reason = "TotalsEqual" if complete else "TotalsDiffer"
    found = _condition(
        before, ConditionType.METRICS_COMPLETE, _T if complete else _F,
        reason, message, generation, now,
    )  # fmt: skip
    return status.model_copy(update={"conditions": (*others, found)})


def with_history(status: Status) -> Status:
    """Return a status whose finished run is in its history, once."""
    run = status.run
    if run is None or status.verdict is None:
        return status
    earlier = tuple(
        item for item in status.history or () if item.run is None or item.run.uid != run.uid
    )
    past = PastRun(
        run=run,
        verdict=status.verdict,
        reason=status.reason,
        message=clipped(status.message or "", 1_000),
        start_time=status.start_time,
        completion_time=status.completion_time,
        summary=status.summary,
        result=status.result,
    )
    return status.model_copy(update={"history": (past, *earlier)[:MAX_HISTORY]})


def _wanted(status: Status, waiting: bool) -> dict[ConditionType, ConditionStatus]:
    if waiting:
        row = (_T, _U, _U, _U, _U)
    elif status.phase == Phase.SUSPENDED:
        row = (_T, _F, _F, _U, _F)
    elif status.verdict is None:
        row = (_T, _F, _U, _U, _F)
    elif status.verdict == Verdict.PASSED:
        row = (_F, _F, _T, _T, _T)
    else:
        row = (_F, _T, _F, _F, _T)
    return dict(zip(_ORDER, row, strict=True))


def _condition(
    before: Condition | None,
    kind: ConditionType,
    state: ConditionStatus,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> Condition:
    """Return a condition; the time of its transition moves only with its status."""
    changed = before is None or before.status != state or before.last_transition_time is None
    at = timestamp(now) if changed or before is None else before.last_transition_time
    return Condition(
        type=kind,
        status=state,
        reason=reason,
        message=message,
        last_transition_time=at,
        observed_generation=generation,
    )
