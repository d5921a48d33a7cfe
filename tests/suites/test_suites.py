"""Every test of the three suites in both directions: Passed as the target is, Failed by the right rule with a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from kload_spec.result import Result
from kload_spec.verdicts import Verdict

RAMP = {"rampUp": "40ms", "hold": "80ms", "rampDown": "40ms", "pause": "10ms"}
PATIENCE = {"tries": "60", "poll": "10ms"}  # with background jobs


class Case(NamedTuple):
    """A suite's test, shortened; with fewer requests than `least` it says nothing."""

    suite: str
    params: Mapping[str, str]
    least: int = 16


CASES: Mapping[str, Case] = {
    "ticket-purchase": Case("tickets", {**RAMP, "peak": "4"}),
    "payment-load": Case("tickets", {**RAMP, "peak": "4"}),
    "webhook-load": Case(
        "tickets", {**RAMP, "peak": "4", "duplicatesAt": "120ms", "duplicatesEach": "1"}
    ),
    "scanner-burst": Case(
        "tickets", {"doors": "4", "duration": "150ms", "tickets": "50", "pause": "5ms..10ms"}
    ),
    "dashboard-load": Case("tickets", {"organisers": "4", "duration": "150ms", "pause": "10ms"}),
    "webhook-burst": Case("tickets", {"perSecond": "100", "duration": "150ms", "forged": "2"}, 10),
    "ingest-load": Case("usage-billing", {**PATIENCE, "vus": "8", "duration": "150ms"}, 8),
    "ingest-idempotency": Case("usage-billing", {"iterations": "3"}),
    "ingest-burst": Case("usage-billing", {"vus": "20", "iterations": "3"}),
    "api-key-auth-perf": Case(
        "usage-billing", {"vus": "4", "duration": "150ms", "compare": "true"}
    ),
    "webhook-idempotency": Case("usage-billing", {"iterations": "2"}),
    "billing-dashboard": Case("usage-billing", {"vus": "4", "duration": "150ms", "pause": "10ms"}),
    "pagination": Case("usage-billing", {"walkers": "2", "duration": "150ms"}, 8),
    "checkout-user": Case(
        "payments-platform",
        {**PATIENCE, "users": "10", "rampUp": "10ms", "runTime": "250ms", "pause": "5ms"},
        150,  # so that a rare task is drawn
    ),
    "event-ingestion-user": Case(
        "payments-platform", {**PATIENCE, "users": "4", "rampUp": "10ms", "runTime": "100ms"}, 4
    ),
    "webhook-processing": Case(
        "payments-platform", {**PATIENCE, "perSecond": "40", "runTime": "150ms"}, 12
    ),
    "users": Case(
        "payments-platform",
        {**PATIENCE, "users": "10", "rampUp": "10ms", "runTime": "250ms", "pauseMs": "10"},
        100,
    ),
}


def rules(result: Result, *, held: bool) -> set[str]:
    """Return the thresholds that held, or that did not, as they are shown."""
    return {
        f"{entry.definition.key} {entry.definition.text}"
        for entry in result.thresholds
        if entry.held is held
    }


def check(name: str) -> str:
    """Return the implicit rule of an assert."""
    return f"checks{{check:{name}}} rate==1"


def measured(target: Any, test: str) -> Result:
    """Run a test, shortened."""
    case = CASES[test]
    result: Result = target.run(test, case.params, least=case.least)
    return result


@pytest.fixture
def suite(test: str) -> str:
    return CASES[test].suite


@pytest.mark.parametrize("test", CASES)
def test_a_suite_passes_on_the_target_as_it_is(target: Any, test: str) -> None:
    result = measured(target, test)
    assert result.verdict is not None
    assert result.verdict.verdict is Verdict.PASSED, result.verdict.message


SLOW = {"slow-answers": {"delay_s": 0.6}}
ERRORS = {"server-errors": 0.2}
BROKEN = [
    ("ticket-purchase", {"wrong-checkout-url": 1}, "purchase_errors rate<1%"),
    ("ticket-purchase", SLOW, "checkout_duration p(95)<500ms"),
    ("ticket-purchase", ERRORS, "http_req_failed{scenario:purchase} rate<1%"),
    ("ticket-purchase", {"no-key-accepted": 1}, check("without a key nothing is sold")),
    ("payment-load", {"wrong-checkout-url": 0.2}, "errors rate<1%"),
    ("payment-load", ERRORS, "http_req_failed rate<1%"),
    ("webhook-load", {"duplicate-processed-twice": 1}, check("no order has duplicate tickets")),
    ("webhook-load", {"events-lost": 0.1}, check("every new event is stored")),
    ("webhook-load", {"duplicate-answered-with-error": 1}, "errors rate<1%"),
    ("scanner-burst", {"ticket-admitted-twice": 0.2}, check("no ticket was admitted twice")),
    ("scanner-burst", {"server-errors": 0.05}, "http_req_failed{scenario:scanner} rate<0.1%"),
    ("dashboard-load", ERRORS, "http_req_failed{scenario:dashboard} rate<1%"),
    ("webhook-burst", {"wrong-signature-accepted": 1}, check("a wrong signature gets 400")),
    ("webhook-burst", {"events-lost": 0.2}, check("every event is stored once")),
    ("ingest-load", {"events-lost": 0.1}, check("stored = accepted")),
    ("ingest-load", {"jobs-stalled": 1}, check("all is rated within 10 s")),
    ("ingest-load", ERRORS, "http_req_failed rate<1%"),
    ("ingest-idempotency", {"duplicate-processed-twice": 0.1}, check("answered like the first")),
    (
        "ingest-idempotency",
        {"duplicate-processed-twice": 0.1},
        check("exactly one event is stored"),
    ),
    ("ingest-idempotency", {"duplicate-answered-with-error": 0.1}, "http_req_failed rate==0%"),
    ("ingest-burst", {"events-lost": 0.05}, check("stored = accepted")),
    ("api-key-auth-perf", {"no-key-accepted": 1}, check("without a key there is no access")),
    ("api-key-auth-perf", {"org-header-accepted": 1}, check("the org comes from the key alone")),
    (
        "api-key-auth-perf",
        SLOW,
        "http_req_duration{scenario:authorised} p(95)<100ms",
    ),
    ("webhook-idempotency", {"duplicate-processed-twice": 0.1}, check("booked once")),
    ("webhook-idempotency", {"duplicate-answered-with-error": 0.1}, "http_req_failed rate<1%"),
    ("webhook-idempotency", {"wrong-signature-accepted": 1}, check("a wrong signature gets 400")),
    ("billing-dashboard", {"no-key-accepted": 1}, check("without a session there is no access")),
    ("billing-dashboard", ERRORS, "http_req_failed rate<1%"),
    ("pagination", {"rows-skipped": 0.1}, check("none missing")),
    ("pagination", {"rows-repeated": 0.1}, check("no row twice")),
    ("checkout-user", {"status-stale": 1}, check("an update is seen by the next read")),
    ("checkout-user", {"order-fulfilled-twice": 1}, check("no checkout becomes two orders")),
    ("checkout-user", {"wrong-checkout-url": 1}, "checks rate>99%"),
    ("checkout-user", {"no-key-accepted": 1}, check("without a token nothing is sold")),
    (
        "checkout-user",
        {"jobs-stalled": 1},
        check("every confirmed checkout becomes an order within 10 s"),
    ),
    ("event-ingestion-user", {"events-lost": 0.1}, check("stored = accepted")),
    ("event-ingestion-user", {"jobs-stalled": 1}, check("all is metered within 10 s")),
    (
        "webhook-processing",
        {"duplicate-processed-twice": 0.2},
        check("no event is processed twice"),
    ),
    ("webhook-processing", {"duplicate-answered-with-error": 0.2}, "http_req_failed rate<1%"),
    ("webhook-processing", {"wrong-signature-accepted": 1}, check("a wrong signature gets 400")),
    ("users", {"status-stale": 1}, "checks{check:an update is seen by the next read} rate==100%"),
    ("users", {"events-lost": 0.1}, check("stored = accepted")),
]


@pytest.mark.parametrize(
    ("test", "faults", "rule"),
    [
        pytest.param(test, faults, rule, id=f"{test}-{next(iter(faults))}-{number}")
        for number, (test, faults, rule) in enumerate(BROKEN)
    ],
)
def test_a_broken_rule_fails_the_suite_and_is_named(
    target: Any, test: str, faults: Mapping[str, object], rule: str
) -> None:
    target.switch(faults)
    result = measured(target, test)
    assert result.verdict is not None
    assert result.verdict.verdict is Verdict.FAILED, result.verdict.message
    assert rule in rules(result, held=False)


def test_every_test_of_the_suites_is_seen_to_fail() -> None:
    assert {test for test, _, _ in BROKEN} == set(CASES)
