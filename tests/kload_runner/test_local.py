"""Whole runs on this machine, from a manifest to a verdict, against a real server."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from manifests import manifest
from scripted_target import Asked, Reply, Target, serving

from kload_runner.executors import IterationInfo
from kload_runner.fleet import leader, workers
from kload_runner.fleet.worker import Task
from kload_runner.local import LocalRun, run_in_loop
from kload_runner.snapshots import RunPhase, RunSnapshot
from kload_runner.users import User
from kload_runner.wire import ErrorClass
from kload_runner.wire.connector import Connector
from kload_runner.wire.errors import WireFault
from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.planning import plan_of
from kload_spec.result import Result

Spec = dict[str, Any]

OK = Reply(body={"id": 7})
BROKEN = Reply(status=500)
FEW = {"executor": "shared-iterations", "vus": 2, "iterations": 6}
LONG = {"executor": "constant-vus", "vus": 2, "duration": "30s", "gracefulStop": "1s"}
GET = {"name": "home", "get": "/", "checks": {"status is 200": "status == 200"}}


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the leader look ten times a second: nothing here is worth waiting a second for."""
    monkeypatch.setattr(leader, "SHOW_S", 0.1)


def local(url: str, *steps: Spec, load: Spec = FEW, **spec: Any) -> LocalRun:
    """Return a run of one scenario."""
    scenario = {**load, "steps": list(steps) or [GET]}
    spec = {"target": {"baseURL": "http://x.test"}, "scenarios": {"main": scenario}, **spec}
    source = PlanSource(document=manifest(**spec), target=url)
    return LocalRun(plan_of(source), source=source)


def verdict(result: Result) -> tuple[str, str, int]:
    """Return verdict, reason and exit code."""
    assert result.verdict is not None
    return result.verdict.verdict.value, result.verdict.reason.value, result.verdict.exit_code


FAST = {"http_req_duration": ["p(95)<10s"]}

VERDICTS = [
    pytest.param([], FAST, OK, ("Passed", "ThresholdsHeld", 0), id="passed"),
    pytest.param([], {}, OK, ("Passed", "OnlyImplicitRules", 0), id="passed-without-thresholds"),
    pytest.param(
        [],
        {"checks": ["rate==1"]},
        Reply(status=404),
        ("Failed", "ThresholdBroken", 99),
        id="checks",
    ),
    pytest.param(
        [],
        {"http_reqs": ["count>100"]},
        OK,
        ("Failed", "ThresholdBroken", 99),
        id="count-too-small",
    ),
    pytest.param(
        [], {}, Reply(status=500), ("Failed", "NothingSucceeded", 99), id="nothing-succeeded"
    ),
    pytest.param(
        [GET, {"fail": "always"}], FAST, OK, ("Failed", "ThresholdBroken", 99), id="iterations-fail"
    ),
    pytest.param(
        [GET, {"assert": {"id is 8": "json.id == 8"}}],
        FAST,
        OK,
        ("Failed", "ThresholdBroken", 99),
        id="assert",
    ),
    pytest.param(
        [GET, {"abort": "enough"}], FAST, OK, ("Cancelled", "AbortStep", 108), id="abort-step"
    ),
    pytest.param(
        [GET],
        {"http_req_duration{step:other}": ["p(95)<1s"]},
        OK,
        None,
        id="a-threshold-that-selects-nothing-is-refused",
    ),
]


@pytest.mark.parametrize(("steps", "thresholds", "reply", "expected"), VERDICTS)
async def test_a_run_ends_in_its_verdict(
    steps: list[Spec], thresholds: Spec, reply: Reply, expected: tuple[str, str, int] | None
) -> None:
    async with serving(reply) as target:
        if expected is None:
            with pytest.raises(InvalidSpec):
                local(target.url, *steps, thresholds=thresholds)
            return
        result = await run_in_loop(local(target.url, *steps, thresholds=thresholds))
    assert verdict(result) == expected, result.message


async def test_a_target_that_is_down_is_a_result() -> None:
    result = await run_in_loop(local("http://127.0.0.1:1", thresholds=FAST))
    assert verdict(result) == ("Inconclusive", "NoSamples", 98)
    assert result.summary.failed == 6
    assert result.errors[0].message == "connect"


async def test_redirects_to_a_broken_page_are_no_success() -> None:
    def reply(asked: Asked) -> Reply:
        return Reply(status=302, headers={"Location": "/x"}) if asked.target == "/" else BROKEN

    async with serving(reply) as target:
        result = await run_in_loop(local(target.url, {"name": "home", "get": "/"}))
    assert verdict(result) == ("Failed", "NothingSucceeded", 99)
    assert (result.summary.requests, result.summary.failed) == (12, 6)
    assert result.steps[0].redirects == 6


async def test_a_broken_threshold_with_abort_stops_the_run() -> None:
    rules = {"http_req_failed": ["rate<1% abort"]}
    teardown = [{"get": "/gone"}]
    async with serving(Reply(status=500)) as target:
        run = local(target.url, load=LONG, thresholds=rules, teardown=teardown)
        result = await run_in_loop(run)
    assert verdict(result) == ("Failed", "ThresholdAborted", 99)
    assert result.duration_s < 5
    assert target.targets()[-1] == "/gone"
    assert [item.aborted for item in result.thresholds if not item.definition.implicit] == [True]


async def test_ctrl_c_stops_gracefully_tears_down_and_reports() -> None:
    def interrupt(snapshot: RunSnapshot) -> None:
        if snapshot.phase is RunPhase.RUNNING:
            signal.raise_signal(signal.SIGINT)

    steps = [GET, {"sleep": "10ms"}]
    async with serving(OK) as target:
        run = local(target.url, *steps, load=LONG, teardown=[{"get": "/gone"}])
        logs: list[str] = []
        result = await run_in_loop(replace(run, on_snapshot=interrupt, on_log=logs.append))
    assert verdict(result) == ("Cancelled", "AbortedByPerson", 105)
    assert logs == ["stopping: iterations may finish; Ctrl-C again ends them at once"]
    assert result.summary.requests > 0
    assert target.targets()[-1] == "/gone"


async def test_a_second_ctrl_c_cuts_off_what_runs_and_skips_teardown() -> None:
    def interrupt(snapshot: RunSnapshot) -> None:
        if snapshot.phase in (RunPhase.RUNNING, RunPhase.STOPPING):
            signal.raise_signal(signal.SIGINT)

    load = {**LONG, "gracefulStop": "30s"}
    async with serving(Reply(hang=True)) as target:
        run = local(target.url, load=load, teardown=[{"get": "/gone"}])
        result = await run_in_loop(replace(run, on_snapshot=interrupt))
    assert verdict(result)[:2] == ("Cancelled", "AbortedByPerson")
    assert result.scenarios[0].interrupted == 2
    assert "/gone" not in target.targets()


# -- setup, teardown, ready ----------------------------------------------------------------------------------------


async def test_setup_runs_once_and_every_vu_sees_what_it_saved() -> None:
    setup = [{"name": "seed", "post": "/seed", "save": {"key": "json.key"}}]
    async with serving(Reply(body={"key": "k1"})) as target:
        result = await run_in_loop(local(target.url, {"get": "/$(vars.key)"}, setup=setup))
    assert target.targets() == ["/seed"] + ["/k1"] * 6
    assert result.passed
    assert result.summary.requests == 6  # those of setup are not the load's


async def test_teardown_asserts_over_the_totals_of_the_run() -> None:
    steps = [{"name": "order", "post": "/orders", "expect": 200}]
    teardown = [
        {
            "get": "/stored",
            "assert": {
                "stored is sent": "json.stored == totals.http_reqs.count",
                "times are ms": "totals.http_req_duration.max > 1",
            },
        }
    ]

    def script(asked: Asked) -> Reply:
        if asked.target == "/stored":
            return Reply(body={"stored": len([a for a in target.asked if a.method == "POST"])})
        return Reply(delay_s=0.002)

    async with serving(script) as target:
        result = await run_in_loop(local(target.url, *steps, teardown=teardown))
    assert result.passed, (result.message, [c for c in result.checks if c.fails])


async def test_a_failed_setup_sends_no_load_and_skips_teardown() -> None:
    setup = [{"get": "/seed", "save": {"key": "json.key"}}]
    async with serving(Reply(status=500)) as target:
        run = local(target.url, setup=setup, teardown=[{"get": "/gone"}])
        result = await run_in_loop(run)
    assert verdict(result) == ("Error", "SetupFailed", 107)
    assert target.targets() == ["/seed"]
    assert "spec.setup[0]" in result.message


async def test_a_failed_teardown_is_an_error() -> None:
    teardown = [{"get": "/gone", "save": {"x": "json.nope"}}]
    async with serving(OK) as target:
        result = await run_in_loop(local(target.url, teardown=teardown))
    assert verdict(result)[:2] == ("Error", "TeardownFailed")


async def test_no_load_before_the_target_is_ready() -> None:
    answers = iter([Reply(status=503), Reply(status=503), *([OK] * 9)])
    async with serving(lambda asked: next(answers)) as target:
        ready = {"get": "/healthz", "timeout": "5s", "interval": "20ms"}
        run = local(target.url, target={"baseURL": "http://x.test", "ready": ready})
        result = await run_in_loop(run)
    assert target.targets()[:4] == ["/healthz", "/healthz", "/healthz", "/"]
    assert result.passed


async def test_a_target_that_never_gets_ready_is_an_error_without_load() -> None:
    async with serving(Reply(status=503)) as target:
        ready = {"get": "/healthz", "timeout": "100ms", "interval": "20ms"}
        run = local(target.url, target={"baseURL": "http://x.test", "ready": ready})
        result = await run_in_loop(run)
    assert verdict(result) == ("Error", "TargetNotReady", 1)
    assert set(target.targets()) == {"/healthz"}
    assert "status 503" in result.message


async def test_ctrl_c_while_the_target_is_not_ready_ends_without_load() -> None:
    def interrupt(snapshot: RunSnapshot) -> None:
        if snapshot.phase is RunPhase.PROBING:
            signal.raise_signal(signal.SIGINT)

    async with serving(Reply(status=503)) as target:
        ready = {"get": "/healthz", "timeout": "30s", "interval": "20ms"}
        run = local(target.url, target={"baseURL": "http://x.test", "ready": ready})
        result = await run_in_loop(replace(run, on_snapshot=interrupt))
    assert verdict(result)[:2] == ("Cancelled", "AbortedByPerson")
    assert set(target.targets()) == {"/healthz"}


async def test_a_bug_of_ours_ends_the_run_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: User, iteration: IterationInfo) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(User, "run_iteration", broken)
    async with serving(OK) as target:
        result = await run_in_loop(local(target.url, load=LONG))
    assert verdict(result)[:2] == ("Error", "EngineError")
    assert "RuntimeError: a bug" in result.message


# -- what is known only at the start ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        pytest.param({"data": {"d": {"file": "gone.csv"}}}, "spec.data.d.file", id="missing-rows"),
        pytest.param(
            {"target": {"baseURL": "http://x.test", "tls": {"ca": {"file": "gone.pem"}}}},
            "spec.target.tls",
            id="missing-certificate",
        ),
    ],
)
async def test_what_is_missing_is_refused_before_any_load(spec: Spec, place: str) -> None:
    load = {**FEW, "data": "d"} if "data" in spec else FEW
    async with serving(OK) as target:
        run = local(target.url, load=load, **spec)
        with pytest.raises(InvalidSpec) as refused:
            await run_in_loop(run)
    assert refused.value.problems[0].path.startswith(place)
    assert not target.asked


async def test_secrets_do_not_reach_the_result() -> None:
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    step = {"get": "/?key=$(env.KEY)"}
    async with serving(Reply(status=401, body="bad key topsecret")) as target:
        run = local(target.url, step, {"fail": "with $(env.KEY)"}, {"log": "$(env.KEY)"}, env=env)
        result = await run_in_loop(replace(run, env={"KEY": "topsecret"}))
    assert "key=topsecret" in target.targets()[0]
    assert b"topsecret" not in result.model_dump_json().encode()


# -- the shape of a run ----------------------------------------------------------------------------------------------


async def test_warm_up_is_kept_out_of_the_numbers() -> None:
    steps = [GET, {"sleep": "20ms"}]
    load = {"executor": "constant-vus", "vus": 1, "duration": "1s"}
    async with serving(OK) as target:
        run = local(target.url, *steps, load=load, measure={"after": "500ms"})
        result = await run_in_loop(run)
    step = result.steps[0]
    assert step.warmup_requests > 0
    assert step.requests + step.warmup_requests == len(target.asked)
    assert 0 < result.summary.requests == step.requests
    assert result.measured_s == pytest.approx(0.5, abs=0.2)


async def test_users_who_wait_for_ever_are_not_passed_over() -> None:
    seen: list[Asked] = []

    def reply(asked: Asked) -> Reply:
        seen.append(asked)
        return Reply(hang=True) if len(seen) <= 2 else OK

    load = {**LONG, "vus": 3, "duration": "1s", "gracefulStop": "200ms"}
    rules = {"http_req_failed": ["rate<1%"], "http_req_duration": ["max<10s"]}
    async with serving(reply) as target:
        run = local(target.url, GET, {"sleep": "20ms"}, load=load, thresholds=rules)
        result = await run_in_loop(run)
    assert verdict(result) == ("Inconclusive", "IncompleteData", 98)
    assert "2 of main, for up to 1." in result.message
    assert result.summary.failed == 0


@pytest.mark.parametrize("scripted", [False, True], ids=["steps", "script"])
async def test_our_own_lack_of_files_is_never_the_targets_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scripted: bool
) -> None:
    calls: list[None] = []
    connect = Connector.connect

    async def every_second_time(self: Connector, *arguments: Any) -> Any:
        calls.append(None)
        if len(calls) % 2:
            return await connect(self, *arguments)
        raise WireFault(ErrorClass.LOCAL, "no free file")

    monkeypatch.setattr(Connector, "connect", every_second_time)
    (tmp_path / "s.py").write_text(
        "async def main(vu):\n    a = await vu.get('/', name='home')\n    vu.check('status is 200', a.status == 200)\n"
    )
    rules = {"checks": ["rate==1"], "http_req_failed": ["rate==0"]}
    async with serving(Reply(headers={"Connection": "close"})) as target:
        if scripted:
            spec = {"scenarios": {"main": {**FEW, "exec": "main"}}, "script": {"entry": "s.py"}}
            run = local(target.url, thresholds=rules, **spec)
        else:
            run = local(target.url, thresholds=rules)
        result = await run_in_loop(replace(run, base_dir=tmp_path))
    assert verdict(result) == ("Inconclusive", "LocalFaults", 98)
    assert result.health.local_errors == len(calls) // 2
    assert result.summary.checks_failed == result.summary.iterations_failed == 0


async def test_a_deadline_cuts_the_load_short_and_is_an_error() -> None:
    async with serving(Reply(hang=True)) as target:
        run = local(target.url, load=LONG, activeDeadlineSeconds=1)
        result = await run_in_loop(run)
    assert verdict(result)[:2] == ("Error", "DeadlineExceeded")
    assert result.duration_s < 3


async def test_rows_that_are_used_up_end_the_scenario() -> None:
    feed = {"rows": [{"n": 1}, {"n": 2}, {"n": 3}], "order": "unique", "onExhausted": "stop"}
    load = {**LONG, "vus": 2, "data": "d"}
    async with serving(OK) as target:
        run = local(target.url, {"get": "/$(row.n)"}, load=load, data={"d": feed})
        result = await run_in_loop(run)
    assert sorted(target.targets()) == ["/1", "/2", "/3"]
    assert result.passed
    assert result.summary.iterations == 3


async def test_arrivals_are_measured_from_their_intended_start() -> None:
    load = {"executor": "constant-arrival-rate", "rate": 50, "duration": "500ms", "maxVUs": 50}
    async with serving(Reply(delay_s=0.05)) as target:
        result = await run_in_loop(local(target.url, load=load))
    assert len(target.asked) == 25
    times = result.steps[0].response_time
    assert times is not None
    assert times.count == 25
    assert times.minimum is not None
    assert times.minimum >= 0.05


async def test_snapshots_tell_how_it_goes() -> None:
    seen: list[RunSnapshot] = []
    load = {"executor": "constant-vus", "vus": 2, "duration": "1200ms"}
    async with serving(OK) as target:
        run = local(target.url, GET, {"sleep": "5ms"}, load=load, thresholds=FAST)
        result = await run_in_loop(replace(run, on_snapshot=seen.append))
    assert [s.phase for s in seen][-1] is RunPhase.FINISHED
    # The first look may come before the first answer.
    running = next(s for s in seen if s.phase is RunPhase.RUNNING and s.requests)
    assert running.vus == 2
    assert running.p95_ms is not None
    assert running.thresholds[0].holds is True
    assert seen[-1].requests == result.summary.requests
    assert seen[-1].progress == 1.0


# -- several processes -----------------------------------------------------------------------------------------------


@pytest.fixture
async def target() -> Any:
    async with serving(OK) as running:
        yield running


async def test_two_workers_are_one_run(target: Target) -> None:
    load = {"executor": "shared-iterations", "vus": 4, "iterations": 40}
    step = {"post": "/", "json": {"vu": "$(vu)", "row": "$(row.n)"}}
    rows = [{"n": n} for n in range(40)]
    run = local(
        target.url,
        step,
        {"log": "$(vars.key)"},
        load={**load, "data": "d"},
        data={"d": {"rows": rows, "order": "unique", "onExhausted": "fail"}},
        setup=[{"set": {"key": "k"}}],
        teardown=[{"assert": {"all": "totals.iterations.count == 40"}}],
    )
    logs: list[str] = []
    result = await run_in_loop(replace(run, workers=2, on_log=logs.append))
    assert result.passed, result.message
    assert result.summary.iterations == 40
    assert [runner.index for runner in result.runners] == [0, 1]
    bodies = [asked.json for asked in target.asked]
    assert sorted(body["row"] for body in bodies) == list(range(40))  # type: ignore[index,call-overload]
    assert {body["vu"] for body in bodies} <= {1, 2, 3, 4}  # type: ignore[index,call-overload]
    assert logs == ["k"] * 40


@pytest.mark.parametrize(
    ("policy", "warned", "failed"),
    [
        pytest.param(
            "stop",
            (
                "scenario main ended before its time: all 2 rows of spec.data.users are used up"
                " (onExhausted: stop)",
            ),
            [],
            id="stop",
        ),
        pytest.param("fail", (), ["spec.data.users: no data row is left"], id="fail"),
    ],
)
async def test_rows_that_run_out_are_told(
    target: Target, policy: str, warned: tuple[str, ...], failed: list[str]
) -> None:
    load = {"executor": "shared-iterations", "vus": 2, "iterations": 6, "data": "users"}
    users = {"rows": [{"who": "ann"}, {"who": "bob"}], "order": "unique", "onExhausted": policy}
    result = await run_in_loop(local(target.url, GET, load=load, data={"users": users}))
    assert result.summary.requests == 2
    assert result.verdict is not None
    told = tuple(line for line in result.verdict.warnings if not line.startswith("the generator"))
    assert told == warned  # so short a run may well be a busy one
    assert [error.message for error in result.errors] == failed


async def test_workers_that_read_different_files_are_never_started(
    target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = tmp_path / "users.csv"
    rows.write_text("name\nann\n")
    start = workers._start

    async def starting(task: Task, log: Callable[[str], None]) -> workers.Worker:
        worker = await start(task, log)
        await worker.port  # it has read its files by now
        rows.write_text("name\nbob\n")
        return worker

    monkeypatch.setattr(workers, "_start", starting)
    load = {**LONG, "data": "users"}
    run = local(target.url, GET, load=load, data={"users": {"file": "users.csv"}})
    result = await run_in_loop(replace(run, workers=2, base_dir=tmp_path))
    assert verdict(result)[:2] == ("Error", "StartFailed")
    assert "different plans or files" in result.message
    assert target.asked == []


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGKILL, id="killed"), pytest.param(signal.SIGTERM, id="told-to-stop")],
)
async def test_a_worker_that_ends_early_is_an_error(
    number: signal.Signals, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    start = workers._start

    async def starting(task: Task, log: Callable[[str], None]) -> workers.Worker:
        worker = await start(task, log)
        pids.append(worker.process.pid)
        return worker

    def end_second(snapshot: RunSnapshot) -> None:
        if snapshot.phase is RunPhase.RUNNING and len(pids) == 2:
            os.kill(pids.pop(), number)

    monkeypatch.setattr(workers, "_start", starting)
    run = local(target.url, GET, {"sleep": "20ms"}, load=LONG)
    result = await run_in_loop(replace(run, workers=2, on_snapshot=end_second))
    assert verdict(result)[:2] == ("Error", "RunnerLost")
    assert result.summary.requests > 0
