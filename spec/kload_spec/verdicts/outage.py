"""A target that answered nothing at all: said first, in whatever message the run ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kload_spec import numbers

_ADDRESS = "is the target running, and its address right (target.baseURL, --target)?"
_CHECK: Mapping[str, str] = MappingProxyType(
    {  # by the class of the error (`AnswerCount.error`)
        "connect": _ADDRESS,
        "dns": "is the name of the target right (target.baseURL, --target), and known here?",
        "tls": "look at target.tls and at the target's certificate.",
        "timeout": "can it be reached from here, or is target.timeout too short?",
        "protocol": "is this an HTTP/1.1 port, and does it want https?",
        "policy": "the limits of this place allow no load on it.",
    }
)


@dataclass(frozen=True, slots=True)
class Outage:
    """No request got an answer.

    Attributes:
        requests: how many there were.
        error: the most frequent class of what came instead, and `times` how often it came.
        sample: one of these in words: which request, which address, what happened.
    """

    requests: int
    error: str
    times: int
    sample: str = ""

    def describe(self) -> str:
        """Return ``no answer to any of the 60 requests: GET http://...: 127.0.0.1:9 refused the connection; ...``."""
        often = "" if self.times == self.requests else f" ({numbers.count(self.times)} times)"
        return (
            f"no answer to any of the {numbers.count(self.requests)} requests:"
            f" {self.sample or self.error}{often}; {_CHECK.get(self.error, _ADDRESS)}"
        )
