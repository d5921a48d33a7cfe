"""Switches that make a demo server break one rule, so that a load test can be seen to notice.

A switch has a rate (the share of occasions it acts on) and acts evenly, not at random: at rate 0.02 on the 25th, the
75th, the 125th occasion ... so that a short run meets it, and the same run meets it again.
Servers ask `acts` at the place where the rule is kept; nothing here knows what a rule means.

    --fault ticket-admitted-twice                              always
    --fault events-lost=0.002                                  1 in 500
    --fault slow-answers=1,delay_s=0.8,path=/rest/v1/orders    only there
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import pydantic


class Fault(StrEnum):
    """Every rule that a demo server can be told to break; each server knows some of them."""

    DUPLICATE_PROCESSED_TWICE = "duplicate-processed-twice"
    DUPLICATE_ANSWERED_WITH_ERROR = "duplicate-answered-with-error"
    TICKET_ADMITTED_TWICE = "ticket-admitted-twice"
    ORDER_FULFILLED_TWICE = "order-fulfilled-twice"
    EVENTS_LOST = "events-lost"
    ROWS_SKIPPED = "rows-skipped"
    ROWS_REPEATED = "rows-repeated"
    WRONG_SIGNATURE_ACCEPTED = "wrong-signature-accepted"
    NO_KEY_ACCEPTED = "no-key-accepted"
    ORG_HEADER_ACCEPTED = "org-header-accepted"
    WRONG_CHECKOUT_URL = "wrong-checkout-url"
    SLOW_ANSWERS = "slow-answers"
    SERVER_ERRORS = "server-errors"
    JOBS_STALLED = "jobs-stalled"
    STATUS_STALE = "status-stale"


class Setting(pydantic.BaseModel):
    """How one switch stands.

    Attributes:
        rate: share of the occasions the fault acts on, 0 (off) to 1 (always).
        delay_s: how long `slow-answers` waits.
        path: only requests whose path begins with this; everywhere by default.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    rate: Annotated[float, pydantic.Field(ge=0, le=1)] = 1.0
    delay_s: Annotated[float, pydantic.Field(ge=0, le=60)] = 0.8
    path: str = "/"


class UnknownFault(ValueError):
    """A switch this server does not have, or a setting that makes no sense."""


@dataclass(slots=True)
class _Switch:
    setting: Setting
    progress: float = 0.5  # acts whenever this reaches 1: evenly, the first time half-way
    acted: int = 0


class Faults:
    """The switches of one running server; all off until `set`."""

    def __init__(self, known: Iterable[Fault]) -> None:
        self._known = frozenset(known)
        self._switches: dict[Fault, _Switch] = {}

    def set(self, name: str, setting: Setting) -> None:
        """Turn one switch on, or off with rate 0.

        Raises:
            UnknownFault: this server has no such switch.
        """
        if name not in self._known:
            offered = ", ".join(sorted(self._known))
            raise UnknownFault(f"there is no fault {name!r} here; there are: {offered}")
        self._switches[Fault(name)] = _Switch(setting)

    def clear(self) -> None:
        """Turn all switches off."""
        self._switches.clear()

    def acts(self, fault: Fault, path: str = "/") -> bool:
        """Say whether the rule is to be broken on this occasion."""
        switch = self._switches.get(fault)
        if switch is None or not path.startswith(switch.setting.path):
            return False
        switch.progress += switch.setting.rate
        if switch.progress < 1.0:
            return False
        switch.progress -= 1.0
        switch.acted += 1
        return True

    def delay_s(self, path: str) -> float:
        """Return how long this answer is to be held back; 0 as a rule."""
        if not self.acts(Fault.SLOW_ANSWERS, path):
            return 0.0
        return self._switches[Fault.SLOW_ANSWERS].setting.delay_s

    def describe(self) -> Mapping[str, object]:
        """Return how all switches stand, and how often each acted."""
        return {
            name.value: None
            if (switch := self._switches.get(name)) is None
            else {**switch.setting.model_dump(), "acted": switch.acted}
            for name in sorted(self._known)
        }


def parse_switch(text: str) -> tuple[str, Setting]:
    """Read ``NAME[=RATE][,delay_s=SECONDS][,path=PREFIX]``, as the command line has it.

    Raises:
        UnknownFault: the text does not have that form.
    """
    head, *options = text.strip().split(",")
    name, _, rate = head.partition("=")
    fields = dict(option.partition("=")[::2] for option in options)
    try:
        return name, Setting.model_validate({**fields, **({"rate": rate} if rate else {})})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnknownFault(
            f"fault {text!r}: {where}: {first['msg']}; write e.g. events-lost=0.002"
        ) from error
