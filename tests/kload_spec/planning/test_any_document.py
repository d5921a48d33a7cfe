"""Whatever a document holds, it is planned or refused with sentences; nothing else comes out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import manifest, scenario

from kload_spec.errors import InvalidSpec
from kload_spec.planning import describe, plan

RICH = manifest(
    runners={"replicas": 2, "resources": {"requests": {"cpu": 1}}, "labels": {"a/b": "c"}},
    params={"n": 1, "list": [1]},
    env=[
        {"name": "A", "value": ""},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
    target={
        "baseURL": "http://x.test",
        "headers": {"A": "$(env.A)"},
        "expect": ["200..299", 404],
        "ready": {"get": "/"},
    },
    metrics={"m": {"type": "counter", "per": "1m"}},
    blocks={"b": [{"get": "/$(vars.id)"}]},
    data={"d": {"rows": [{"a": 1}], "order": "unique"}},
    scenarios={
        "a": scenario(
            {
                "post": "/",
                "json": {"a": [1, "$(vu)"]},
                "headers": {"X": "y"},
                "record": {"m": 1},
                "save": {"x": "json.x"},
            },
            {
                "if": "vu > 1",
                "then": [{"repeat": {"times": 2, "index": "i", "steps": [{"get": "/"}]}}],
            },
            {"foreach": {"in": [1], "as": "i", "steps": [{"get": "/$(vars.i)"}]}},
            {"pick": [{"weight": 1, "steps": [{"call": "b", "with": {"id": 1}}]}]},
            {"sleep": "1s..2s"},
            vus="$(params.n)",
            tags={"t": "v"},
            vars={"h": {}},
            start=[{"set": {"h": 1}}],
            data="d",
        ),
        "r": {
            "executor": "ramping-arrival-rate",
            "stages": [{"duration": "1s", "target": 5}],
            "steps": [{"get": "/"}],
        },
    },
    setup=[{"post": "/", "assert": {"up": "status == 200"}}],
    teardown=[{"checks": {"a": "totals.checks.rate > 0"}}],
    thresholds={"http_req_duration{scenario:a}": ["p(95)<1s"], "m": ["count>1"]},
    measure={"after": "1s"},
)


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in entries:
        yield from paths_in(item, (*path, key))


PATHS = sorted(paths_in(RICH["spec"]), key=repr)
WORDS = st.sampled_from(
    [
        "",
        "/",
        "$(",
        "$(x)",
        "$(params.n)",
        "$(vu)",
        "vu",
        "status == 200",
        "1s",
        "-1s",
        "5",
        "a",
        "b",
        "GET",
        "p(95)<1",
        "..",
        "\n",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | WORDS
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.sampled_from(["get", "vus", "steps"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(document)
    changed[path[0]] = put(document[path[0]], path[1:], value)
    return changed


def test_the_document_is_right_as_it_is() -> None:
    assert describe(plan(RICH)).warnings


@settings(max_examples=250)
@given(st.sampled_from(PATHS), VALUES)
def test_any_value_anywhere_is_planned_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    document = {**RICH, "spec": put(RICH["spec"], path, value)}
    try:
        planned = plan(document)
    except InvalidSpec as error:
        found = error
    else:
        describe(planned)
        return
    assert found.problems
    for problem in found.problems:
        assert problem.message
        assert "pydantic" not in problem.message


@settings(max_examples=50)
@given(VALUES)
def test_any_spec_is_planned_or_refused(spec: Any) -> None:
    try:
        plan({**RICH, "spec": spec})
    except InvalidSpec:
        return
    raise AssertionError("a random value is no right spec")
