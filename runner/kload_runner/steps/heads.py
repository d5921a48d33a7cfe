"""Heads of requests: the fields that never change are rendered once per endpoint, the others are added.

Used by steps and by scripts; knows neither. A varying field may be one that the wire would add by itself (Host,
User-Agent, Authorization): the ready part is rendered with all names present, and the empty varying lines are
cut off its end again.
"""

from __future__ import annotations

from kload_runner.steps.fields import FieldPlan, Fields, merged
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.urls import Place
from kload_runner.wire import Endpoint, InvalidRequest, render_field, render_head

_MOST_ENDPOINTS = 256  # heads kept; whoever varies the host more than that pays for each
_BY_WIRE_UNLESS_GIVEN = frozenset({"host", "user-agent", "authorization", "expect"})
# The client frames the message itself: the wire leaves these out, whoever writes them.
_BY_WIRE_ALONE = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"}
)


class Heads:
    """Makes the heads of requests of one method with one plan of fields."""

    __slots__ = (
        "_fixed_names",
        "_line",
        "_ready",
        "_seen",
        "_user_agent",
        "_where",
        "method",
        "plan",
    )

    def __init__(self, method: str, plan: FieldPlan, user_agent: str, where: str = "") -> None:
        self.method = method
        self.plan = plan
        self._user_agent = user_agent
        self._where = where
        self._line = f"{method} ".encode()
        self._ready: dict[str, bytes] = {}
        names = {name.lower() for name, _ in (*plan.fixed, *plan.varying)}
        self._fixed_names = names | _BY_WIRE_UNLESS_GIVEN | _BY_WIRE_ALONE
        self._seen: set[str] = set()

    def check(self, place: Place) -> None:
        """Raise InvalidRequest now rather than in the first iteration."""
        render_head(self.method, *place, self.plan.fixed)
        for name, _ in self.plan.varying:
            render_field(name, "")

    def head(self, place: Place, varying: Fields) -> bytes:
        """Return the head of one request; it raises IterationFailed.

        Args:
            varying: values of the plan's varying fields.
        """
        endpoint, target = place
        if self.plan.varying_map is not None:  # its names are known only now: nothing can be ready
            return self._whole(endpoint, target, merged(self.plan.fixed, varying))
        ready = self._ready.get(endpoint.origin)
        if ready is None:
            ready = self._make_ready(endpoint)
        if not varying:
            return b"%b%b HTTP/1.1\r\n%b" % (self._line, target, ready)
        lines = "".join([f"{name}: {value}\r\n" for name, value in varying]).encode()
        return b"%b%b HTTP/1.1\r\n%b%b" % (self._line, target, ready, lines)

    def head_with(self, place: Place, varying: Fields, more: Fields) -> bytes:
        """Return a head with fields of this one request, which win over the plan's; it raises IterationFailed."""
        for name, value in more:
            lower = name.lower()
            if lower in self._fixed_names or "\r" in value or "\n" in value or "\0" in value:
                return self._whole(*place, merged(merged(self.plan.fixed, varying), more))
            if lower not in self._seen:
                self._learn(name, lower)
        return self.head(place, (*varying, *more))

    def _learn(self, name: str, lower: str) -> None:
        try:
            render_field(name, "")
        except InvalidRequest as exc:
            raise IterationFailed(str(exc), self._where) from None
        if len(self._seen) < _MOST_ENDPOINTS:
            self._seen.add(lower)

    def _make_ready(self, endpoint: Endpoint) -> bytes:
        empty = tuple((name, "") for name, _ in self.plan.varying)
        head = self._whole(endpoint, b"/", (*self.plan.fixed, *empty))
        kept = [name for name, _ in empty if name.lower() not in _BY_WIRE_ALONE]
        cut = len(head) - sum(len(render_field(name, "")) for name in kept)
        ready = head[:cut].split(b"\r\n", 1)[1]
        if len(self._ready) >= _MOST_ENDPOINTS:
            self._ready.clear()
        self._ready[endpoint.origin] = ready
        return ready

    def _whole(self, endpoint: Endpoint, target: bytes, fields: Fields) -> bytes:
        try:
            return render_head(self.method, endpoint, target, fields, user_agent=self._user_agent)
        except InvalidRequest as exc:
            raise IterationFailed(str(exc), self._where) from None
