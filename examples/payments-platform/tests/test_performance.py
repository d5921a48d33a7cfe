"""Performance regression tests: they fail when a percentile is over its budget.

They load the platform at LOAD_TEST_HOST, or one of their own on a free port:

    python -m pytest examples/payments-platform/tests
    RUN_TIME=30s LOAD_TEST_HOST=https://... LOAD_TEST_API_TOKEN=... python -m pytest examples/payments-platform/tests

Budgets are p95 in milliseconds, loose enough for a busy machine, tight enough to notice a change of kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import kload_runner
from examples.targets.payments_platform import PLATFORM
from examples.targets.serving import running_in_thread
from kload_spec.result import Result

SUITE = Path(__file__).parents[1]
SHARED = SUITE / "shared" / "platform.yaml"
RUN_TIME = os.environ.get("RUN_TIME", "5s")

CHECKOUT_BUDGETS_MS = {
    "create-checkout": 150,
    "update-checkout": 150,
    "get-checkout": 100,
    "confirm-checkout": 150,
}
API_BUDGETS_MS = {"ingest-events": 150}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The platform that is loaded."""
    given = os.environ.get("LOAD_TEST_HOST")
    if given:
        yield given
        return
    with running_in_thread(PLATFORM) as server:
        yield server.url


def run(test: str, host: str, **params: str) -> Result:
    """Run a test of the suite for `RUN_TIME`, with the demo platform's credentials unless others are set."""
    return kload_runner.run(
        SUITE / test,
        patches=[SHARED],
        target=host,
        params={"runTime": RUN_TIME, **params},
        env={**PLATFORM.environment, **os.environ},
    )


@pytest.fixture(scope="module")
def checkout(host: str) -> Result:
    """Eight users who buy, without long breaks."""
    return run("checkout-user.yaml", host, users="8", rampUp="100ms", pause="10ms..30ms")


@pytest.fixture(scope="module")
def ingestion(host: str) -> Result:
    """Four clients: 1,680 events/min."""
    return run("event-ingestion-user.yaml", host, users="4", rampUp="100ms")


def test_checkout_keeps_its_promises(checkout: Result) -> None:
    assert checkout.passed, checkout.message


@pytest.mark.parametrize("step", CHECKOUT_BUDGETS_MS)
def test_checkout_stays_within_its_budget(checkout: Result, step: str) -> None:
    assert checkout.percentile(95, step=step) < CHECKOUT_BUDGETS_MS[step]


def test_the_api_keeps_its_promises(ingestion: Result) -> None:
    assert ingestion.passed, ingestion.message


@pytest.mark.parametrize("step", API_BUDGETS_MS)
def test_the_api_stays_within_its_budget(ingestion: Result, step: str) -> None:
    assert ingestion.percentile(95, step=step) < API_BUDGETS_MS[step]
