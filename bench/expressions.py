"""What expressions cost: a look at the hot path of every check, template and body.

    python -m bench.expressions [--repeat N]

Each line is the best of N runs of 20,000 evaluations in this process, against a state with slots and JSON already
parsed, as a runner has it. Exits with 1 if the expression that the design bounds takes more than its 0.3 µs.
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from collections.abc import Callable
from typing import Any

from kload_spec.expressions import (
    ANY,
    Scope,
    compile_expression,
    compile_template,
    compile_value,
)

BOUNDED = "status == 200 && size(json.items) > 0"
LIMIT_US = 0.3
ROUNDS = 20_000

EXPRESSIONS = (
    BOUNDED,
    "status == 200",
    "duration < 500ms",
    'json.url.contains("checkout.stripe.com")',
    "json.items[0].id == 'a'",
    "headers['Content-Type'].startsWith('application/json')",
    "has(json.cursor)",
    "!checks.ok",
    "vars.ids + json.items.map(i, i.id)",
    "json.items.all(i, i.price > 1)",
    "json.url.matches('^https://[a-z.]+/c/pay_[0-9]+$')",
    "hmacSha256(env.KEY, string(unixSeconds()) + '.' + req.body)",
    "uuid()",
)
TEMPLATES = ("/orders/$(vars.session)", "load_$(vu)_$(iter)@example.test", "Bearer $(env.KEY)")
BODY = {
    "eventId": "evt-1",
    "customerEmail": "load_$(vu)_$(iter)@example.test",
    "customerName": "Load Test $(vu)",
    "total": 3000,
    "session": "$(vars.session)",
    "tickets": [{"ticketTypeId": "general-admission", "quantity": 1}],
}


class Response:
    """The state after a request, with slots as the runner's own."""

    __slots__ = (
        *("body", "checks", "duration", "env", "error", "headers", "iter", "json", "params", "req"),
        *("rng", "row", "run", "scenario", "status", "timings", "totals", "vars", "vu"),
    )

    def __init__(self) -> None:
        self.vu, self.iter, self.scenario, self.status = 3, 7, "buy", 200
        self.duration, self.error, self.body = 42.25, None, "{}"
        self.env = {"KEY": "s3cret"}
        self.vars: dict[str, Any] = {"session": "cs_1", "ids": ["a"]}
        self.row: dict[str, Any] = {}
        self.params: dict[str, Any] = {}
        self.totals: dict[str, Any] = {}
        self.headers = {"content-type": "application/json; charset=utf-8"}
        self.json: Any = {
            "url": "https://checkout.stripe.com/c/pay_1",
            "items": [{"id": "a", "price": 12}, {"id": "b", "price": 1.5}],
        }
        self.rng = random.Random(1)
        self.checks = self.run = self.timings = self.req = Record()

    def now_ms(self) -> int:
        """Read a clock that stands still."""
        return 1_767_225_600_123


class Record:
    """What `checks`, `run`, `timings` and `req` read."""

    __slots__ = ("body", "elapsed", "id", "ok", "waiting")

    def __init__(self) -> None:
        self.ok, self.id, self.elapsed, self.waiting, self.body = True, "run-1", 1.0, 1.0, "{}"


def cost_us(evaluate: Callable[[Any], Any], repeat: int) -> float:
    """Return the time of one evaluation in microseconds, the best of `repeat` runs."""
    state = Response()
    best = min(timeit.repeat(lambda: evaluate(state), number=ROUNDS, repeat=repeat))
    empty = min(timeit.repeat(lambda: None, number=ROUNDS, repeat=repeat))
    return (best - empty) / ROUNDS * 1e6


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure what expressions cost.")
    parser.add_argument("--repeat", type=int, default=7, help="runs per line; the best counts")
    repeat = parser.parse_args().repeat
    scope = Scope(response=True, req=ANY, env=ANY, vars=ANY)
    costs = {
        text: cost_us(compile_expression(text, scope).evaluate, repeat) for text in EXPRESSIONS
    }
    costs |= {text: cost_us(compile_template(text, scope).evaluate, repeat) for text in TEMPLATES}
    costs["a JSON body of 6 fields, 3 of them dynamic"] = cost_us(
        compile_value(BODY, scope).evaluate, repeat
    )
    for text, cost in costs.items():
        print(f"{cost:8.3f} µs  {text}")
    started = timeit.default_timer()
    for _ in range(100):
        compile_expression(BOUNDED, scope)
    print(f"{(timeit.default_timer() - started) * 1e4:8.0f} µs  to compile the first of them")
    return int(costs[BOUNDED] > LIMIT_US)


if __name__ == "__main__":
    sys.exit(main())
