"""What can be done to a request, and rules that say to which.

Values only; `proxy` carries them out. Every fault is one that is met in practice: overloaded and broken servers, load
balancers that drop idle connections, histories that were compacted away, partitions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chaos.requests import Ask


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before the request is passed on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer in the server's place; the server never sees the request."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """Reset the connection: before the request is passed on, or after so many bytes of the answer's body.

    With `after_bytes` the server has carried the request out, and the client cannot know it.
    """

    after_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer; the connection stays open. `passed_on`: the server still carries it out."""

    passed_on: bool = False


@dataclass(frozen=True, slots=True)
class EndWatch:
    """Let a watch end after so many events.

    Attributes:
        after_events: how many are passed on first.
        last: a line put at the end, such as an ERROR event.
        silently: the stream does not end but falls silent, as behind a load balancer that forgot the connection.
    """

    after_events: int = 0
    last: str = ""
    silently: bool = False


Fault = Delay | Answer | Cut | Hang | EndWatch


def status_answer(
    code: int, reason: str, message: str = "", retry_after_s: int | None = None
) -> Answer:
    """Return the answer of an API server that refuses, e.g. ``status_answer(429, "TooManyRequests")``."""
    headers = {"content-type": "application/json"}
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    return Answer(code, json.dumps(_status(code, reason, message)), headers)


def watch_gone(after_events: int = 0, code: int = 410, reason: str = "Expired") -> EndWatch:
    """Return the end of a watch by an ERROR event: 410 for a history that is gone, or any other."""
    event = {"type": "ERROR", "object": _status(code, reason, "too old resource version")}
    return EndWatch(after_events, json.dumps(event))


def _status(code: int, reason: str, message: str) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message or reason,
        "reason": reason,
        "code": code,
    }


@dataclass(slots=True)
class Rule:
    """A fault and the requests it befalls.

    Attributes:
        verb, resource: only these; empty means any. A resource without a subresource does not mean its subresources.
        where: only requests it says yes to.
        times: how often, then the rule is spent; None means always.
        after: so many requests that match pass unharmed first.
        hits: how often it has struck.
    """

    fault: Fault
    verb: str = ""
    resource: str = ""
    where: Callable[[Ask], bool] | None = None
    times: int | None = None
    after: int = 0
    hits: int = 0
    seen: int = 0

    def strikes(self, ask: Ask) -> bool:
        """Tell whether the rule befalls this request, and count it."""
        if (self.verb and self.verb != ask.verb) or (
            self.resource and self.resource != ask.resource
        ):
            return False
        if self.where is not None and not self.where(ask):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True
