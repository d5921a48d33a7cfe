"""Which names exist at a place of the file: what was set, saved or answered before it, as a value that flows.

Programs are walked in order. A name exists where it *may* have been set before: whether it was, depending on branches,
is for the VU to find out; a name that nothing before can have set is a mistake, found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kload_spec.expressions import ANY, Members, Scope

# Fields of `req`: none while the body is rendered, then these, then all.
HEADERS_READ = frozenset({"method", "url", "body"})
SENT = HEADERS_READ | {"headers"}


@dataclass(frozen=True, slots=True)
class Place:
    """What exists at one point of a program.

    Attributes:
        env, row, totals: as in `Scope`; they do not change within a program.
        params: constants, inlined.
        vars: names that may have been set; `ANY` in a block that nobody calls.
        answered: whether a response may have come before.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    env: Members = None
    row: Members = None
    totals: Members = None
    vars: Members = frozenset()
    answered: bool = False

    def scope(self, *, req: Members = None, checks: bool = True) -> Scope:
        """Return the scope of a field here; `req` and `checks` differ between the fields of a request."""
        return Scope(
            response=self.answered,
            checks=checks,
            req=req if req is not None or not self.answered else SENT,
            env=self.env,
            vars=self.vars,
            row=self.row,
            totals=self.totals,
            constants=self.params,
        )

    def with_vars(self, names: Iterable[str]) -> Place:
        """Return the place where these may have been set as well."""
        if not isinstance(self.vars, frozenset):
            return self
        return replace(self, vars=self.vars | frozenset(names))

    def after_response(self) -> Place:
        """Return the place where a response may have come."""
        return replace(self, answered=True)

    def after(self, other: Place) -> Place:
        """Return the place after something that may or may not have been done and leads to `other`."""
        if not isinstance(self.vars, frozenset) or not isinstance(other.vars, frozenset):
            return replace(self, vars=ANY, answered=self.answered or other.answered)
        return replace(self, vars=self.vars | other.vars, answered=self.answered or other.answered)

    def without(self, names: Iterable[str], before: Place) -> Place:
        """Return the place where names that ended (of a loop, of a call) are as they were before it."""
        if not isinstance(self.vars, frozenset) or not isinstance(before.vars, frozenset):
            return self
        return replace(self, vars=self.vars - (frozenset(names) - before.vars))
