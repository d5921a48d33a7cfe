"""What came of a run: stages that began, warnings while it goes on, notes about the numbers."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from exchanges import answered, failed
from manifests import manifest

from kload_runner.clock import MonotonicClock
from kload_runner.engine import Engine, RunnerFacts, account
from kload_runner.executors import DropCause
from kload_runner.health import HealthProbe
from kload_runner.metrics import RefusedSample
from kload_runner.wire import ErrorClass
from kload_spec.control import RunIdentity, RunnerPhase, StatusReply
from kload_spec.planning import Overrides, plan
from kload_spec.result import PhaseTime

URL = "http://127.0.0.1:1"
RAMP = {
    "executor": "ramping-vus",
    "startTime": "2s",
    "stages": [{"duration": f"{length}s", "target": 1} for length in (5, 10, 10)],
}
ARRIVALS = {"executor": "constant-arrival-rate", "rate": 5, "duration": "10s", "maxVUs": 1}


async def prepared(scenario: dict[str, Any], **spec: Any) -> Engine:
    """Return an engine that is ready to load."""
    document = manifest(scenarios={"play": {**scenario, "steps": [{"get": "/"}]}}, **spec)
    test = plan(document, Overrides(target=URL))
    facts = RunnerFacts(run=RunIdentity(uid="u1"), loop_name="asyncio")
    engine = Engine(test, facts, MonotonicClock(), lambda _: None)
    engine.prepare()
    return engine


def status(engine: Engine) -> StatusReply:
    """Return the live numbers of a load that has begun."""
    engine.start_at = engine.clock.now() - 1.0
    return account.status_of(engine, RunnerPhase.RUNNING)


async def test_stages_that_began_are_phases_cut_at_the_end_of_the_load() -> None:
    engine = await prepared(RAMP)
    engine.start_at, engine.end_at = 100.0, 112.0
    engine.spans["load"] = (100.0, 112.0)
    result = account.result_of(engine)
    assert result.phases == [
        PhaseTime(name="load", start_s=0.0, end_s=12.0),
        PhaseTime(name="play/stage 1", start_s=2.0, end_s=7.0),
        PhaseTime(name="play/stage 2", start_s=7.0, end_s=12.0),
    ]
    assert (result.duration_s, result.run.run_id, result.verdict) == (12.0, "u1", None)
    await engine.close()


async def test_a_run_that_never_began_has_a_result_too() -> None:
    engine = await prepared(RAMP)
    result = account.result_of(engine)
    assert (result.duration_s, result.phases, result.started_at) == (0.0, [], None)
    assert result.versions["loop"] == "asyncio"
    assert result.runners[0].max_rss_bytes > 0
    await engine.close()


async def test_a_healthy_generator_is_not_warned_of() -> None:
    engine = await prepared(ARRIVALS)
    engine.recorder.step("play", "GET /").exchange(answered(0.2), True, None)
    engine.recorder.roll()
    now = status(engine)
    assert (now.warnings, now.requests, now.latency["count"]) == ((), 1, 1)
    assert 1.0 <= now.elapsed_s < 60.0
    await engine.close()


async def test_what_spoils_the_measurement_is_a_warning_while_it_goes_on() -> None:
    engine = await prepared(ARRIVALS)
    play = engine.recorder.scenarios["play"]
    for _ in range(9):
        play.started_late(0.0)
    play.dropped(1, DropCause.GENERATOR_LATE)
    used = iter([0.0, 0.0, 100.0, 100.0])
    engine.probe = HealthProbe(engine.clock, cpu_time=lambda: next(used))
    engine.probe.begin()
    engine.recorder.step("play", "GET /").exchange(failed(ErrorClass.LOCAL), False, None)
    late, local, cpu = status(engine).warnings
    assert late.startswith("10 % of arrivals were late or dropped by this machine (limit 1 %)")
    assert local.startswith("1 requests failed for lack of local ports")
    assert cpu.startswith("the generator uses")
    await engine.close()


async def test_nothing_is_warned_of_before_the_load() -> None:
    engine = await prepared(ARRIVALS)
    engine.recorder.scenarios["play"].dropped(1, DropCause.GENERATOR_LATE)
    engine.start_at = engine.clock.now() + 60.0
    before = account.status_of(engine, RunnerPhase.ARMED)
    assert (before.warnings, before.elapsed_s, before.scenarios[0].phase) == ((), 0.0, "waiting")
    await engine.close()


async def test_thresholds_are_told_with_an_estimate_of_what_they_compare() -> None:
    rules = ["p(95)<9", "max<9", "min<9", "avg<9"]
    engine = await prepared(
        RAMP,
        metrics={"wait": {"type": "trend"}},
        thresholds={"wait": rules, "http_reqs": ["count>1"]},
    )
    wait = engine.recorder.metric("wait", "play", "GET /")
    for value in (1.0, 2.0, 4.0):
        wait.add(value)
    shown = {
        rule.text: status(engine).thresholds[rule.id].estimate for rule in engine.plan.thresholds
    }
    assert shown["p(95)<9"] == pytest.approx(4.0, rel=0.01)
    assert (shown["max<9"], shown["min<9"]) == (4.0, 1.0)
    assert (shown["avg<9"], shown["count>1"]) == (None, None)
    await engine.close()


async def test_what_could_not_be_counted_is_a_note() -> None:
    engine = await prepared(RAMP, metrics={"orders": {"type": "counter"}})
    check = engine.recorder.step("play", "GET /").check("is there")
    for cause in ("no such key: id", "no such key: id", "not JSON"):
        check.cause(cause)
    orders = engine.recorder.metric("orders", "play", "GET /")
    with pytest.raises(RefusedSample):
        orders.add(-1)
    assert account.result_of(engine).notes[-2:] == [
        "check 'is there' of play/GET / could not be evaluated 3 times and counted as false;"
        " most often (2): no such key: id",
        "1 values of orders were not recorded: a counter does not take them",
    ]
    await engine.close()


def test_a_version_that_is_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(account, "version", missing)
    account.kload_version.cache_clear()
    assert account.kload_version() == "unknown"
    account.kload_version.cache_clear()
