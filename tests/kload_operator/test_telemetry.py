"""The operator's own page and probes: official numbers, and when a restart would help."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from manifests import manifest
from prometheus_client.parser import text_string_to_metric_families

from kload_operator.subject import Reader, Subject
from kload_operator.telemetry import Telemetry
from kload_spec.result import Result, RunIdentity, StepResult


class Clock:
    """Seconds as a test sets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def subject(verdict: str) -> Subject:
    document = manifest()
    metadata = {**document["metadata"], "uid": "u", "generation": 1}
    return Reader().read({**document, "metadata": metadata, "status": {"verdict": verdict}})


RESULT = Result(
    run=RunIdentity(name="shop"),
    duration_s=10.0,
    steps=[StepResult(scenario="buy", name="GET /", requests=200, failed=10)],
)


async def page(telemetry: Telemetry, path: str = "/metrics") -> httpx.Response:
    server = await telemetry.serve(0)
    try:
        # Port 0 is another one for IPv4 and IPv6.
        port = next(address[1] for address in server.addresses if ":" not in address[0])
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}")
    finally:
        await server.cleanup()


async def test_the_official_numbers_of_a_finished_run_are_gauges() -> None:
    telemetry = Telemetry(Clock())
    telemetry.record(subject("Failed"), 3, RESULT)
    text = (await page(telemetry)).text
    labels = 'loadtest="shop",metric="http_reqs",namespace="staging",run="3"'
    assert f'kload_run_result{{{labels},stat="count"}} 200.0' in text
    assert (
        'kload_run_verdict{loadtest="shop",namespace="staging",run="3",verdict="Failed"} 1.0'
        in text
    )
    assert (
        'kload_run_verdict{loadtest="shop",namespace="staging",run="3",verdict="Passed"} 0.0'
        in text
    )
    assert telemetry.knows("staging", "shop", 3)
    assert not telemetry.knows("staging", "shop", 4)
    telemetry.forget("staging", "shop")
    assert "kload_run_result{" not in (await page(telemetry)).text


async def test_a_run_that_never_began_has_a_verdict_without_numbers() -> None:
    telemetry = Telemetry(Clock())
    telemetry.record(subject("Error"), 1, None)
    text = (await page(telemetry)).text
    assert 'verdict="Error"} 1.0' in text
    assert "kload_run_result{" not in text


def test_the_page_is_what_prometheus_reads_with_every_family_once() -> None:
    telemetry = Telemetry(Clock())
    for verdict in ("Passed", "Failed"):
        telemetry.record(replace(subject(verdict), name=f'so"{verdict}'), 1, RESULT)
    families = list(text_string_to_metric_families(telemetry.page().decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    verdicts = next(family for family in families if family.name == "kload_run_verdict")
    told = {sample.labels["loadtest"] for sample in verdicts.samples if sample.value == 1}
    assert told == {'so"Passed', 'so"Failed'}


async def test_readiness_follows_the_watches() -> None:
    telemetry = Telemetry(Clock())
    assert (await page(telemetry, "/readyz")).status_code == 503
    telemetry.ready = True
    assert (await page(telemetry, "/readyz")).status_code == 200


@pytest.mark.parametrize(
    ("oldest_s", "deaf_s", "why"),
    [
        pytest.param(0.0, None, "", id="all well"),
        pytest.param(299.0, 179.0, "", id="slow, and deaf for a while"),
        pytest.param(301.0, None, "has waited", id="a stuck queue"),
        pytest.param(0.0, 181.0, "missed changes", id="a deaf watch"),
    ],
)
async def test_liveness_fails_where_a_restart_helps(
    oldest_s: float, deaf_s: float | None, why: str
) -> None:
    clock = Clock()
    telemetry = Telemetry(clock)
    telemetry.observe(length=1, oldest_s=oldest_s, calls=7)
    if deaf_s is not None:
        telemetry.hearing(deaf=True)
        clock.now = deaf_s
        telemetry.hearing(deaf=True)
    answer = await page(telemetry, "/healthz")
    assert (answer.status_code, why in answer.text) == (500 if why else 200, True)


def test_a_watch_that_hears_again_is_healthy_again() -> None:
    clock = Clock()
    telemetry = Telemetry(clock)
    telemetry.hearing(deaf=True)
    clock.now = 500.0
    assert telemetry.unhealthy()
    telemetry.hearing(deaf=False)
    assert telemetry.unhealthy() == ""


async def test_errors_and_calls_are_counted() -> None:
    telemetry = Telemetry(Clock())
    telemetry.failed("Busy")
    telemetry.observe(length=2, oldest_s=1.0, calls=42)
    text = (await page(telemetry)).text
    assert 'kload_operator_reconcile_errors_total{error="Busy"} 1.0' in text
    assert "kload_operator_api_requests_total 42.0" in text
    assert "kload_operator_queue_length 2.0" in text
