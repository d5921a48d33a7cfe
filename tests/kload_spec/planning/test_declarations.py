"""What scenarios refer to: metrics, env, data feeds, limits."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import faults, manifest, scenario

from kload_spec.plan import EnvDeclaration
from kload_spec.planning import plan
from kload_spec.program import OnExhausted, RowOrder
from kload_spec.verdicts import Limits


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


def test_limits_have_the_defaults_of_verdicts() -> None:
    assert plan(manifest()).limits == Limits()
    assert plan(manifest(limits={"lateShare": "5%", "localErrors": 3})).limits == Limits(
        late_share=0.05, local_errors=3
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
