"""Values of fields: what settled ones may be, with and without parameters; what stands beside what."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import at, faults, manifest, with_steps

from kload_spec.planning import plan

BASE = manifest(
    params={"n": 3, "word": "eu", "on": True, "half": 0.5, "list": [1], "big": 2_000_000}
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.scenarios.buy.vus", "$(params.n)"),
        ("spec.scenarios.buy.vus", "$(params.n * 2)"),
        ("spec.scenarios.buy.duration", "$(params.n)s"),
        ("spec.scenarios.buy.enabled", "$(params.on)"),
        ("spec.scenarios.buy.enabled", "$(params.n > 1)"),
        (
            "spec.scenarios.buy.tags",
            {"region": "$(params.word)", "n": "$(params.n)", "on": "$(params.on)"},
        ),
        ("spec.limits", {"lateShare": "$(params.n)%", "loopLagShare": "0.5"}),
        ("spec.target.maxBody", "$(params.n)MiB"),
        ("spec.thresholds", {"http_req_failed": ["rate<$(params.half)"]}),
        ("spec.env", [{"name": "A", "value": "$(params.word)"}]),
        ("spec.runId", "a-$(params.n)"),
    ],
    ids=str,
)
def test_params_may_stand_for_whatever_is_settled_before_the_run(path: str, value: object) -> None:
    assert faults(at(BASE, path, value)) == []


def test_numbers_of_params_become_text_where_text_belongs() -> None:
    planned = plan(at(BASE, "spec.scenarios.buy.tags", {"n": "$(params.n)", "on": "$(params.on)"}))
    assert planned.scenarios[0].tags == (("n", "3"), ("on", "true"))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "spec.scenarios.buy.vus",
            "$(params.word)",
            "'eu' is not a number (from '$(params.word)')",
        ),
        (
            "spec.scenarios.buy.vus",
            "$(params.big)",
            "2000000 is above 1000000 (from '$(params.big)')",
        ),
        (
            "spec.scenarios.buy.vus",
            "$(vu)",
            "'$(vu)': column 3: vu: no VU runs when this is settled; use params",
        ),
        ("spec.scenarios.buy.vus", "$(", "column"),
        (
            "spec.scenarios.buy.duration",
            "$(params.word)",
            "'eu' is no duration; write a number and a unit (d h m s ms)",
        ),
        ("spec.scenarios.buy.duration", [1], "a list is no duration"),
        (
            "spec.scenarios.buy.enabled",
            "$(params.n)",
            "3 is neither true nor false (from '$(params.n)')",
        ),
        (
            "spec.scenarios.buy.tags",
            {"a": "$(params.list)"},
            "a list is not text (from '$(params.list)')",
        ),
        ("spec.scenarios.buy.tags", {"a": ["x"]}, "a list is not text"),
        ("spec.scenarios.buy.tags", {"a": ""}, "is empty; give a map of texts"),
        ("spec.scenarios.buy.tags", {"a": "x" * 5000}, "has 5000 characters, more than 4096"),
        ("spec.limits", {"lateShare": 5}, "5 is no share; write a percentage"),
        (
            "spec.limits",
            {"lateShare": "5"},
            "'5' is more than the whole; write 5% if you mean percent",
        ),
        ("spec.target.maxBody", 64, "64 has no unit; write e.g. 64MiB"),
        (
            "spec.target.maxBody",
            "64",
            "'64' is no size; write a number and a unit (B kB MB GB KiB MiB GiB)",
        ),
        ("spec.target.tls", {"ca": {}}, "spec.target.tls.ca: needs one source: `env` or `file`"),
        (
            "spec.target.tls",
            {"cert": {"file": "a"}},
            "spec.target.tls: has one of `cert` and `key`",
        ),
        (
            "spec.target.tls",
            {"ca": {"env": "CA"}},
            "spec.target.tls.ca.env: there is no variable in spec.env called 'CA'",
        ),
        (
            "spec.env",
            [{"name": "A", "valueFrom": {}}],
            "needs one source: `secretKeyRef` or `configMapKeyRef`",
        ),
        ("spec.env", [{"name": "A"}, {"name": "A"}], "spec: env declares A twice; keep one"),
        (
            "spec.script",
            {"entry": "a.py", "files": [{"path": "a.py"}], "image": "x"},
            "has both `files` and `image`",
        ),
        ("spec.runners", {"affinity": "x"}, "spec.runners.affinity: 'x' is no map"),
        (
            "spec.runners",
            {"volumeMounts": [{"name": "v"}]},
            "volumeMounts names volume 'v', which `volumes` does not have",
        ),
        (
            "spec.runners",
            {"imagePullPolicy": "always"},
            "'always' is no policy; did you mean Always?",
        ),
        (
            "spec.metrics",
            {"m": {"type": "histogram"}},
            "'histogram' is no type of metric; there are counter, gauge, rate, trend",
        ),
        ("spec.data", {"d": {"rows": [{"a b": 1}]}}, "'a b' cannot name a column"),
        ("spec.params", ["a"], "spec.params: a list is not a map"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_why(path: str, value: object, said: str) -> None:
    found = faults(at(BASE, path, value))
    assert any(said in fault for fault in found), found


def test_volumes_have_mounts() -> None:
    runners = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    assert faults(manifest(runners=runners)) == []


@pytest.mark.parametrize(
    ("headers", "said"),
    [([1], "a list is no map"), (5, "5 is no map")],
    ids=str,
)
def test_headers_are_a_map(headers: object, said: str) -> None:
    (fault,) = faults(with_steps({"get": "/", "headers": headers}))
    assert fault.startswith(f"spec.scenarios.buy.steps[0].headers: {said}")


@pytest.mark.parametrize("times", [True, [], ""], ids=repr)
def test_times_are_a_number_or_a_text(times: Any) -> None:
    (fault,) = faults(with_steps({"repeat": {"times": times, "steps": [{"get": "/"}]}}))
    assert "is no number of rounds; give the number of rounds, e.g. 3" in fault


def test_a_name_of_an_item_is_a_name() -> None:
    (fault,) = faults(with_steps({"foreach": {"in": [1], "as": "a-b", "steps": [{"get": "/"}]}}))
    assert "'a-b' is no name: letters, digits and _" in fault
