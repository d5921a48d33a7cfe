"""The plan of a whole file: load, thresholds, target, env, data, overrides, hashes."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import at, faults, manifest, scenario, with_steps

from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.plan import EnvDeclaration
from kload_spec.planning import Overrides, plan, plan_of, spec_hash
from kload_spec.program import OnExhausted, RowOrder
from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Shape,
    SharedIterations,
    Stage,
)
from kload_spec.verdicts import Limits

STEPS = [{"get": "/"}]


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ({"executor": "constant-vus", "duration": "10s"}, ConstantVUs(1, 10.0)),
        (
            {"executor": "ramping-vus", "stages": [{"duration": "5s", "target": 3}]},
            RampingVUs(1, (Stage(5.0, 3),), 30.0),
        ),
        (
            {
                "executor": "ramping-vus",
                "startVUs": 0,
                "stages": [{"duration": "5s", "target": 3}],
                "gracefulRampDown": "0s",
            },
            RampingVUs(0, (Stage(5.0, 3),), 0.0),
        ),
        ({"executor": "per-vu-iterations"}, PerVUIterations(1, 1, 600.0)),
        (
            {"executor": "shared-iterations", "vus": 2, "iterations": 9, "maxDuration": "1m"},
            SharedIterations(2, 9, 60.0),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5, "duration": "4s"},
            ConstantArrivalRate(5, 1.0, 4.0, 5, 150),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 3, "timeUnit": "1m", "duration": "4s"},
            ConstantArrivalRate(3, 60.0, 4.0, 1, 2),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5000, "duration": "4s"},
            ConstantArrivalRate(5000, 1.0, 4.0, 5000, 10_000),
        ),
        (
            {
                "executor": "constant-arrival-rate",
                "rate": 5,
                "duration": "4s",
                "preAllocatedVUs": 300,
            },
            ConstantArrivalRate(5, 1.0, 4.0, 300, 300),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5, "duration": "4s", "maxVUs": 2},
            ConstantArrivalRate(5, 1.0, 4.0, 2, 2),
        ),
        (
            {
                "executor": "ramping-arrival-rate",
                "stages": [{"duration": "2s", "target": 4}, {"duration": "1s", "target": 0}],
            },
            RampingArrivalRate(0, 1.0, (Stage(2.0, 4), Stage(1.0, 0)), 4, 120),
        ),
    ],
    ids=str,
)
def test_executors_have_k6s_defaults(written: dict[str, Any], shape: Shape) -> None:
    planned = plan(manifest(scenarios={"buy": {**written, "steps": STEPS}}))
    assert planned.scenarios[0].load.shape == shape


def test_arrivals_get_vus_for_their_slowest_request() -> None:
    written = {
        "executor": "constant-arrival-rate",
        "rate": 2,
        "duration": "4s",
        "steps": [{"get": "/", "timeout": "3s"}],
    }
    shape = plan(manifest(scenarios={"buy": written})).scenarios[0].load.shape
    assert shape.vu_limit == 6


def test_scenarios_are_sorted_and_numbered() -> None:
    planned = plan(
        manifest(
            scenarios={
                "b": scenario(vus=3),
                "a": scenario(startTime="5s", gracefulStop="1s", vus=2),
            }
        )
    )
    assert [(s.name, s.load.ordinal, s.load.first_vu) for s in planned.scenarios] == [
        ("a", 0, 1),
        ("b", 1, 3),
    ]
    assert (planned.scenarios[0].load.start_time_s, planned.scenarios[0].load.graceful_stop_s) == (
        5.0,
        1.0,
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            {"executor": "ramping-vus", "startVUs": 0, "stages": [{"duration": "5s", "target": 0}]},
            "spec.scenarios.buy: has no VU at any time; give a target above 0",
        ),
        (
            {"executor": "ramping-vus", "stages": [{"duration": "0s", "target": 5}]},
            "spec.scenarios.buy: starts no iteration at any time; give it time and a target above 0",
        ),
        (
            {"executor": "ramping-arrival-rate", "stages": [{"duration": "5s", "target": 0}]},
            "spec.scenarios.buy: starts no iteration at any time; give it time and a target above 0",
        ),
    ],
    ids=str,
)
def test_a_load_of_nothing_is_refused(written: dict[str, Any], said: str) -> None:
    assert faults(manifest(scenarios={"buy": {**written, "steps": STEPS}})) == [said]


def test_a_scenario_may_be_switched_by_a_param() -> None:
    document = manifest(
        params={"compare": False},
        scenarios={"buy": scenario(), "base": scenario(enabled="$(params.compare)")},
    )
    assert [s.name for s in plan(document).scenarios] == ["buy"]
    assert [s.name for s in plan(document, Overrides({"compare": "true"})).scenarios] == [
        "base",
        "buy",
    ]
    assert "scenario base is disabled" in plan(document).notes


def test_a_disabled_scenario_is_checked_all_the_same() -> None:
    (fault,) = faults(
        manifest(scenarios={"buy": scenario(), "b": scenario({"get": "/$(x)"}, enabled=False)})
    )
    assert fault.startswith("spec.scenarios.b.steps[0].get")


def test_a_run_of_nothing_is_refused() -> None:
    assert faults(manifest(scenarios={"buy": scenario(enabled=False)})) == [
        "spec.scenarios: none is enabled; there is nothing to run"
    ]


def test_scenarios_can_be_chosen() -> None:
    document = manifest(scenarios={"a": scenario(), "b": scenario(enabled=False)})
    assert [s.name for s in plan(document, Overrides(scenarios=("b",))).scenarios] == ["b"]
    assert faults(document, Overrides(scenarios=("c",))) == [
        "--scenario: there is no scenario 'c'; there are a, b"
    ]


def test_setup_and_teardown_are_no_names_of_scenarios() -> None:
    (fault,) = faults(manifest(scenarios={"setup": scenario()}))
    assert (
        fault
        == "spec.scenarios.setup: 'setup' is the name kload gives to setup itself; use another"
    )


@pytest.mark.parametrize(
    ("overrides", "shape"),
    [
        (Overrides(vus=5, duration_s=30.0), ConstantVUs(5, 30.0)),
        (Overrides(vus=5), ConstantVUs(5, 20.0)),
        (Overrides(duration_s=3.0), ConstantVUs(1, 3.0)),
        (Overrides(iterations=9), SharedIterations(1, 9, 600.0)),
        (Overrides(iterations=3, vus=5, duration_s=7.0), SharedIterations(3, 3, 7.0)),
    ],
    ids=str,
)
def test_a_quick_run_replaces_the_shape_and_keeps_the_rest(
    overrides: Overrides, shape: Shape
) -> None:
    written = {
        "executor": "ramping-vus", "stages": [{"duration": "20s", "target": 9}], "startTime": "1m",
        "tags": {"kind": "x"}, "steps": STEPS,
    }  # fmt: skip
    planned = plan(manifest(scenarios={"buy": written}, measure={"after": "15s"}), overrides)
    (found,) = planned.scenarios
    assert planned.quick
    assert (found.load.shape, found.load.start_time_s, found.tags) == (shape, 0.0, (("kind", "x"),))


def test_a_quick_run_shorter_than_the_warm_up_measures_all_of_it() -> None:
    document = manifest(scenarios={"buy": scenario(duration="1m")}, measure={"after": "30s"})
    assert plan(document).measure_after_s == 30.0
    assert plan(document, Overrides(duration_s=5.0)).measure_after_s == 0.0


def test_a_warm_up_longer_than_the_load_is_refused() -> None:
    assert faults(manifest(measure={"after": "10s"})) == [
        "spec.measure.after: 10s is not before the end of the load (10s): nothing would count"
    ]


def test_a_source_gives_the_same_plan_as_its_parts() -> None:
    source = PlanSource(document=manifest(params={"n": 1}), params={"n": "2"}, vus=3, duration="5s")
    assert (
        plan_of(source).plan_hash
        == plan(source.document, Overrides({"n": "2"}, vus=3, duration_s=5.0)).plan_hash
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"duration": "5"},
            "--duration: '5' has no unit; write 5s or 5ms; give a duration, e.g. 30s",
        ),
        ({"duration": "0s"}, "--duration: '0s' is not above 0; give e.g. 30s"),
        ({"vus": 0}, "--vus: 0 is below 1; give a number, e.g. 10"),
        ({"iterations": -1}, "--iterations: -1 is below 1; give a number, e.g. 10"),
    ],
    ids=str,
)
def test_options_of_a_quick_run_are_checked(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        plan_of(PlanSource(document=manifest(), **fields))
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"http_req_duratio": ["p(95)<5"]}, "did you mean 'http_req_duration'?"),
        ({"http_req_duration": ["p95<5"]}, "p(95)"),
        (
            {"http_req_failed{scenario:by}": ["rate<1%"]},
            "no scenario is called 'by'; did you mean 'buy'?",
        ),
        ({"http_req_failed{step:x}": ["rate<1%"]}, "no step is called 'x'"),
        ({"checks{check:y}": ["rate==1"]}, "no check is called 'y'"),
        ({"http_req_failed{kin:read}": ["rate<1%"]}, "has no tag 'kin'; did you mean 'kind'?"),
        (
            {"http_req_duration": ["p(95)<5", "p(95)<5ms"]},
            "'p(95)<5ms' is the same rule as 'p(95)<5'; keep one",
        ),
        ({"http_req_duration": ["p(95)<$(env.MAX)"]}, "env exists at run time only"),
    ],
    ids=str,
)
def test_a_threshold_that_cannot_be_judged_is_refused(
    thresholds: dict[str, Any], said: str
) -> None:
    document = with_steps({"get": "/", "tags": {"kind": "read"}}, thresholds=thresholds)
    (fault,) = faults(document)
    assert fault.startswith("spec.thresholds")
    assert said in fault


def test_thresholds_may_select_whatever_the_run_measures() -> None:
    thresholds = {
        "http_req_duration{scenario:buy,step:GET /,kind:read}": ["p(95)<$(params.budget)"],
        "checks{check:up}": ["rate>99%"],
        "http_req_failed{scenario:setup}": ["rate<1%"],
    }
    step = {"get": "/", "tags": {"kind": "read"}, "checks": {"up": "status == 200"}}
    planned = plan(
        with_steps(step, thresholds=thresholds, params={"budget": "500ms"}, setup=[{"get": "/x"}])
    )
    bounds = {rule.metric: rule.bound for rule in planned.thresholds}
    assert bounds["http_req_duration"] == 0.5


def test_what_is_implicit_comes_last() -> None:
    step = {"get": "/", "assert": {"b": "status == 200", "a": "status == 200"}}
    planned = plan(
        with_steps(
            step, thresholds={"http_req_failed": ["rate<1%"]}, teardown=[{"assert": {"c": "true"}}]
        )
    )
    assert [(rule.key, rule.implicit) for rule in planned.thresholds] == [
        ("http_req_failed", False),
        ("checks{check:a}", True),
        ("checks{check:b}", True),
        ("checks{check:c}", True),
        ("iterations_failed", True),
    ]


def test_the_rule_on_failed_iterations_can_be_ones_own() -> None:
    planned = plan(manifest(thresholds={"iterations_failed": ["rate<50%"]}))
    assert [(rule.key, rule.text, rule.implicit) for rule in planned.thresholds] == [
        ("iterations_failed", "rate<50%", False)
    ]


def test_an_assert_does_not_share_its_name_with_a_check() -> None:
    (fault,) = faults(
        with_steps({"get": "/", "checks": {"up": "true"}}, {"get": "/b", "assert": {"up": "true"}})
    )
    assert fault.startswith(
        "spec.scenarios.buy.steps[0].checks.up: 'up' is also an assert at spec.scenarios.buy.steps[1]"
    )


def test_rules_about_a_scenario_that_does_not_run_are_left_out_and_noted() -> None:
    other = scenario(
        {"get": "/b", "name": "b", "assert": {"only here": "true"}, "record": {"m": 1}},
        enabled=False,
    )
    thresholds = {
        "http_req_failed{scenario:other}": ["rate<1%"], "http_req_failed{step:b}": ["rate<1%"], "m": ["count>5"],
        "http_req_failed": ["rate<1%"],
    }  # fmt: skip
    document = manifest(
        scenarios={"buy": scenario(), "other": other},
        thresholds=thresholds,
        metrics={"m": {"type": "counter"}},
    )
    planned = plan(document)
    assert [rule.key for rule in planned.thresholds] == ["http_req_failed", "iterations_failed"]
    assert "m count>5 is not judged: metric m is not part of this run" in planned.notes
    assert len(plan(document, Overrides(scenarios=("buy", "other"))).thresholds) == 6


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            {"checks": {"type": "rate"}},
            "spec.metrics.checks: 'checks' is built in; use another name",
        ),
        (
            {"m": {"type": "rate", "unit": "time"}},
            "spec.metrics.m.unit: time: a rate is a share and has no unit; leave it out",
        ),
        (
            {"m": {"type": "trend", "per": "1m"}},
            "spec.metrics.m: has `per`, but a trend has no rate per time; only a counter has",
        ),
    ],
    ids=str,
)
def test_metrics_that_cannot_be_are_refused(metrics: dict[str, Any], said: str) -> None:
    assert faults(manifest(metrics=metrics))[0].startswith(said)


def test_env_is_declared_with_where_it_comes_from() -> None:
    env = [
        {"name": "A", "value": "x"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
        {
            "name": "C",
            "valueFrom": {"configMapKeyRef": {"name": "s", "key": "k"}},
            "optional": True,
        },
        {"name": "D", "value": "$(params.d)"},
    ]
    assert plan(manifest(env=env, params={"d": 5})).env == (
        EnvDeclaration("A", "x"),
        EnvDeclaration("B", None, secret=True, optional=True),
        EnvDeclaration("C", None, optional=True),
        EnvDeclaration("D", "5"),
    )


def test_data_feeds_have_defaults() -> None:
    rows = [{"user": "ann", "n": 1}]
    feeds = plan(
        manifest(
            data={
                "a": {"rows": rows},
                "b": {"file": "u.csv", "order": "unique", "columns": ["user"]},
            }
        )
    ).data
    assert (feeds["a"].order, feeds["a"].on_exhausted, feeds["a"].rows) == (
        RowOrder.SEQUENTIAL,
        OnExhausted.RECYCLE,
        tuple(rows),
    )
    assert (feeds["b"].order, feeds["b"].on_exhausted, feeds["b"].columns) == (
        RowOrder.UNIQUE,
        OnExhausted.STOP,
        frozenset({"user"}),
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"file": "users.txt"}, "spec.data.users.file: 'users.txt' is neither .csv nor .json"),
        ({"file": "u.csv", "rows": [{}]}, "spec.data.users: needs one source: `file` or `rows`"),
        ({"rows": []}, "spec.data.users: rows is an empty list; give at least one row"),
        (
            {"file": "u.csv", "order": "unique", "onExhausted": "recycle"},
            "spec.data.users: unique rows cannot be recycled",
        ),
    ],
    ids=str,
)
def test_data_that_cannot_be_is_refused(data: dict[str, Any], said: str) -> None:
    assert faults(manifest(data={"users": data}))[0].startswith(said)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("shop.test", "'shop.test' is no http URL; write http://... or https://..."),
        ("http://", "'http:' names no host; write e.g. http://shop.staging.svc:8080"),
        (
            "http://x.test/?a=1",
            "'http://x.test/?a=1' has a query or fragment, but paths of steps follow it; leave that away",
        ),
        ("http://x.test:abc", "is no URL"),
    ],
)
def test_a_base_that_is_no_url_is_refused(url: str, said: str) -> None:
    assert said in faults(manifest(target={"baseURL": url}))[0]
    assert faults(manifest(), Overrides(target=url))[0].startswith("--target: ")


def test_a_base_may_come_from_the_environment() -> None:
    planned = plan(manifest(target={"baseURL": "$(env.BASE)"}, env=[{"name": "BASE"}]))
    assert planned.target.base_url is not None
    assert planned.target.base_url.names == {"env.BASE"}


def test_the_target_is_complete() -> None:
    target = {
        "baseURL": "https://x.test/api/", "connectTimeout": "2s", "cookies": False, "maxBody": "1MiB", "dnsTTL": "5s",
        "tls": {"ca": {"env": "CA"}, "cert": {"file": "c.pem"}, "key": {"file": "k.pem"}, "serverName": "y"},
        "ready": {"get": "/up", "timeout": "3s", "expect": 204},
    }  # fmt: skip
    found = plan(manifest(target=target, env=[{"name": "CA"}])).target
    assert found.base_url is not None
    assert found.base_url.constant == "https://x.test/api"
    assert (found.connect_timeout_s, found.cookies, found.max_body_bytes, found.dns_ttl_s) == (
        2.0,
        False,
        2**20,
        5.0,
    )
    assert (found.tls.ca_env, found.tls.cert_file, found.tls.server_name) == ("CA", "c.pem", "y")
    assert found.ready is not None
    assert (found.ready.timeout_s, found.ready.expect.ranges) == (3.0, ((204, 204),))


def test_limits_have_the_defaults_of_verdicts() -> None:
    assert plan(manifest()).limits == Limits()
    assert plan(manifest(limits={"lateShare": "5%", "localErrors": 3})).limits == Limits(
        late_share=0.05, local_errors=3
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.suspend", True),
        ("spec.ttlSecondsAfterFinished", 5),
        ("spec.activeDeadlineSeconds", 50),
        ("spec.startTimeout", "1m"),
        ("metadata.labels", {"a": "b"}),
        ("status", {"phase": "Running"}),
        ("spec.seed", None),
    ],
)
def test_what_does_not_change_the_test_does_not_change_its_hash(path: str, value: object) -> None:
    assert spec_hash(at(manifest(), path, value)) == spec_hash(manifest())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.runId", "2"),
        ("spec.seed", 1),
        ("spec.scenarios.buy.vus", 3),
        ("spec.params", {"a": None}),
    ],
)
def test_what_changes_the_test_changes_its_hash(path: str, value: object) -> None:
    assert spec_hash(at(manifest(), path, value)) != spec_hash(manifest())


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    document = manifest()
    document["spec"] = dict(reversed(document["spec"].items()))
    assert spec_hash(document) == spec_hash(manifest())


@pytest.mark.parametrize(
    "overrides",
    [Overrides(vus=2), Overrides({"n": "2"}), Overrides(target="http://y.test")],
    ids=str,
)
def test_overrides_change_the_hash_of_the_plan_only(overrides: Overrides) -> None:
    document = manifest(params={"n": 1})
    changed, plain = plan(document, overrides), plan(document)
    assert changed.spec_hash == plain.spec_hash
    assert changed.plan_hash != plain.plan_hash


def test_scripts_measure_what_nobody_knows_yet() -> None:
    document = manifest(
        script={"entry": "x.py"},
        scenarios={
            "a": {"executor": "constant-vus", "duration": "1s", "exec": "buy"},
            "b": scenario(enabled=False),
        },
        thresholds={
            "http_req_failed{step:anything}": ["rate<1%"],
            "checks{scenario:b}": ["rate>1%"],
        },
        metrics={"m": {"type": "trend"}},
    )
    planned = plan(document)
    assert [rule.key for rule in planned.thresholds] == [
        "http_req_failed{step:anything}",
        "iterations_failed",
    ]
    assert (
        "checks{scenario:b} rate>1% is not judged: scenario b is not part of this run"
        in planned.notes
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"data": "nope"},
            "spec.scenarios.buy.data: there is no data feed 'nope'; none is declared",
        ),
        ({"exec": "a b"}, "spec.scenarios.buy.exec: 'a b' cannot be the name of a function"),
    ],
    ids=str,
)
def test_what_a_scenario_refers_to_must_be_there(fields: dict[str, Any], said: str) -> None:
    written = scenario(**fields)
    if "exec" in fields:
        del written["steps"]
    assert said in faults(manifest(scenarios={"buy": written}, script={"entry": "x.py"}))


def test_params_given_on_the_command_line_reach_expressions_and_load() -> None:
    document = with_steps({"sleep": "$(params.pause)"}, params={"pause": "1s", "n": 1})
    document["spec"]["scenarios"]["buy"]["vus"] = "$(params.n)"
    planned = plan(document, Overrides({"pause": "2s", "n": "4"}))
    assert planned.params == {"pause": "2s", "n": 4}
    assert planned.scenarios[0].load.shape.vu_limit == 4
