"""A state to evaluate expressions in, as a runner would supply it: plain attributes, a fixed clock, seeded chance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from kload_spec.expressions import EvaluationError


@dataclass
class Facts:
    """Whatever a record of the state may be asked for."""

    id: str = "run-1"
    elapsed: float = 1500.0
    ok: bool = True
    method: str = "POST"
    url: str = "http://tickets.test/orders"
    body: str = '{"total":3000}'
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    blocked: float = 0.5
    connecting: float = 1.0
    tls: float = 2.0
    sending: float = 0.25
    waiting: float = 40.0
    receiving: float = 2.0
    total: float = 45.75


@dataclass
class FakeState:
    """The state after a request; every attribute can be given."""

    vu: int = 3
    iter: int = 7
    scenario: str = "purchase"
    run: Facts = field(default_factory=Facts)
    env: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
    req: Facts = field(default_factory=Facts)
    status: int = 200
    body: str = "{}"
    parsed: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    duration: float = 42.25
    timings: Facts = field(default_factory=Facts)
    checks: Facts = field(default_factory=Facts)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    clock_ms: int = 1_767_225_600_123
    is_json: bool = True

    @property
    def json(self) -> Any:
        """Return the parsed body, or fail as a runner does."""
        if not self.is_json:
            raise EvaluationError("the body is not JSON")
        return self.parsed

    def now_ms(self) -> int:
        """Read the clock, which stands still."""
        return self.clock_ms
