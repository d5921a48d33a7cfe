"""What a whole test means, a statement each: written as a user would, run to its verdict, judged by what it logged."""

from __future__ import annotations

import re
from typing import Any

import pytest
from manifests import manifest
from scripted_target import Reply, Target, serving

from kload_runner.fleet import leader
from kload_runner.local import LocalRun, run_in_loop
from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.planning import plan_of
from kload_spec.result import Result

Spec = dict[str, Any]

ONCE = {"executor": "per-vu-iterations", "vus": 1, "iterations": 1}
MAYBE = {"if": "iter == 0", "then": [{"get": "/"}]}
NEVER = {"if": "vu == 2", "then": [{"get": "/", "assert": {"stored": "true"}}]}
GREET = {"call": "greet", "with": {"who": "$(vars.who + '!')"}}
OTHER = {"get": "/b", "expect": "200..299", "tags": {"kind": "b"}}
ANSWER = Reply(body={"id": 7, "stored": 2})


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the leader look ten times a second: nothing here is worth waiting a second for."""
    monkeypatch.setattr(leader, "SHOW_S", 0.1)


def one(*steps: Spec, **load: Any) -> Spec:
    """Return a scenario that runs these steps once, or under another load."""
    return {**ONCE, **load, "steps": list(steps)}


async def run(spec: Spec, target: Target, **given: Any) -> tuple[list[str], Result]:
    """Run a test; return what it logged, and its result."""
    logs: list[str] = []
    source = PlanSource(document=manifest(**spec), target=target.url, **given)
    return logs, await run_in_loop(
        LocalRun(plan_of(source), source=source, on_log=logs.append, run_id="r1")
    )


STATEMENTS = [
    pytest.param(
        {
            "scenarios": {
                "a": one({"log": "$(scenario) $(vu) $(iter)"}, vus=2, iterations=2),
                "b": one({"log": "$(scenario) $(vu) $(iter)"}, vus=1, iterations=2),
            }
        },
        ["a 1 0", "a 1 1", "a 2 0", "a 2 1", "b 3 0", "b 3 1"],
        id="vu-is-unique-over-scenarios-and-iter-counts-per-vu-from-0",
    ),
    pytest.param(
        {"scenarios": {"a": one(MAYBE, {"log": "$(iter) $(status)"}, iterations=2)}},
        ["0 200", "1 0"],
        id="an-iteration-begins-without-a-response",
    ),
    pytest.param(
        {
            "scenarios": {
                "a": one(
                    {"set": {"id": 1}},
                    {"get": "/", "save": {"id": "json.id", "before": "vars.id"}},
                    {"log": "$(vars.id) $(vars.before)"},
                )
            }
        },
        ["7 1"],
        id="entries-of-save-read-the-state-before-the-step",
    ),
    pytest.param(
        {"scenarios": {"a": one({"log": "$(run.id) $(run.elapsed >= 0.0)"})}},
        ["r1 true"],
        id="a-run-has-an-id-and-a-time",
    ),
    pytest.param(
        {
            "params": {"n": 2, "who": "ann", "on": True},
            "scenarios": {
                "a": one({"log": "$(params.n + 1) $(params.who) $$(params.n)"}),
                "b": {**one({"log": "b"}), "enabled": "$(params.on)"},
            },
        },
        ["3 ann $(params.n)", "b"],
        id="params-have-the-type-of-their-default-and-two-dollars-are-literal",
    ),
    pytest.param(
        {
            "setup": [{"get": "/seed", "save": {"id": "json.id"}}],
            "scenarios": {
                "a": one({"set": {"id": 0}}, {"log": "$(vars.id)"}, iterations=2),
                "b": one({"log": "$(vars.id)"}),
            },
            "teardown": [{"log": "$(vars.id) $(totals.iterations.count)"}],
        },
        ["0", "0", "7", "7 3"],
        id="every-vu-sees-what-setup-saved-and-teardown-the-totals",
    ),
    pytest.param(
        {
            "data": {"users": {"rows": [{"who": "a"}, {"who": "b"}, {"who": "c"}, {"who": "d"}]}},
            "scenarios": {
                name: {**one({"log": "$(scenario) $(row.who)"}, iterations=2), "data": "users"}
                for name in ("x", "y")
            },
        },
        ["x a", "x c", "y b", "y d"],
        id="scenarios-that-share-a-feed-take-turns",
    ),
    pytest.param(
        {"scenarios": {"a": one({"fail": "no stock"}, {"log": "never"}, iterations=2)}},
        [],
        id="fail-ends-the-iteration",
    ),
    pytest.param(
        {
            "blocks": {"greet": [{"log": "$(vars.who)"}]},
            "scenarios": {
                "a": one(
                    {
                        "foreach": {
                            "in": "$(['x', 'y'])",
                            "as": "who",
                            "steps": [{"call": "greet", "with": {"who": "$(vars.who + '!')"}}],
                        }
                    }
                )
            },
        },
        ["x!", "y!"],
        id="a-call-in-a-loop-takes-its-arguments-from-there",
    ),
]


@pytest.mark.parametrize(("spec", "logs"), STATEMENTS)
async def test_a_test_does_what_it_says(spec: Spec, logs: list[str]) -> None:
    async with serving(ANSWER) as target:
        told, _ = await run(spec, target)
    assert sorted(told) == sorted(logs)


VERDICTS = [
    pytest.param(
        {"scenarios": {"a": one({"fail": "no stock"})}},
        "Failed ThresholdBroken: iterations_failed rate<1% is 100 %",
        id="a-failed-iteration-breaks-the-implicit-rule",
    ),
    pytest.param(
        {"scenarios": {"a": one({"get": "/"}, {"abort": "the shop is empty"})}},
        "Cancelled AbortStep: the test aborted itself: the shop is empty",
        id="abort-is-the-tests-own-end",
    ),
    pytest.param(
        {
            "scenarios": {
                "a": one(
                    {"get": "/"},
                    NEVER,
                )
            }
        },
        "Inconclusive NoSamples: checks{check:stored} rate==1 has no samples: .*",
        id="an-assert-that-was-never-reached-is-no-pass",
    ),
    pytest.param(
        {
            "setup": [{"get": "/seed", "expect": 404, "assert": {"seeded": "json.stored == 3"}}],
            "scenarios": {"a": one({"get": "/"})},
            "thresholds": {"http_req_failed": ["rate==0"], "http_reqs": ["count==1"]},
        },
        r"Failed ThresholdBroken: checks\{check:seeded\} rate==1 is 0 %",
        id="requests-of-setup-count-for-nobody-but-its-asserts-always-do",
    ),
    pytest.param(
        {
            "setup": [{"get": "/seed", "expect": 404}],
            "scenarios": {"a": one({"get": "/"})},
            "thresholds": {"http_req_failed{scenario:setup}": ["rate==0"]},
        },
        r"Failed ThresholdBroken: http_req_failed\{scenario:setup\} rate==0 is 100 %",
        id="unless-a-threshold-selects-setup",
    ),
    pytest.param(
        {
            "target": {"expect": [404]},
            "scenarios": {"a": one({"get": "/"}, OTHER)},
            "thresholds": {
                "http_req_failed{kind:b}": ["rate==0"],
                "http_req_failed": ["rate==0.5"],
            },
        },
        "Passed ThresholdsHeld: .*",
        id="expect-of-a-step-wins-over-the-targets-and-tags-select",
    ),
    pytest.param(
        {"scenarios": {"a": one({"get": "/", "checks": {"never": "json.id == 8"}})}},
        "Passed OnlyImplicitRules: .*",
        id="a-check-never-fails-a-run-by-itself",
    ),
]


@pytest.mark.parametrize(("spec", "verdict"), VERDICTS)
async def test_a_test_ends_as_it_says(spec: Spec, verdict: str) -> None:
    async with serving(ANSWER) as target:
        _, result = await run(spec, target)
    assert result.verdict is not None
    found = f"{result.verdict.verdict} {result.verdict.reason}: {result.verdict.message}"
    assert re.fullmatch(verdict, found), found


async def test_a_disabled_scenario_runs_when_it_is_named() -> None:
    spec = {"scenarios": {"a": one({"log": "a"}), "b": {**one({"log": "b"}), "enabled": False}}}
    async with serving(ANSWER) as target:
        assert (await run(spec, target))[0] == ["a"]
        assert (await run(spec, target, scenarios=("b",)))[0] == ["b"]


@pytest.mark.parametrize("seeds", [(5, 5), (5, 6)], ids=["the-same", "another"])
async def test_a_seed_repeats_what_is_drawn(seeds: tuple[int, int]) -> None:
    rows = [{"n1": str(n)} for n in range(50)]
    drawn = (
        "$(randInt(1, 1000000)) $(uniform(0, 1)) $(uuid()) $(pick([1, 2, 3, 4, 5, 6])) $(row.n1)"
    )
    runs = []
    async with serving(ANSWER) as target:
        for seed in seeds:
            spec = {
                "seed": seed,
                "data": {"r": {"rows": rows, "order": "random"}},
                "scenarios": {
                    "a": {**one({"log": f"$(vu) {drawn}"}, vus=2, iterations=2), "data": "r"}
                },
            }
            runs.append(sorted((await run(spec, target))[0]))
    assert len(set(runs[0])) == 4
    assert (runs[0] == runs[1]) is (seeds[0] == seeds[1])


async def test_setup_and_the_target_headers_reach_every_request_with_each_vus_own_cookies() -> None:
    spec = {
        "target": {"headers": {"X-Key": "$(env.KEY)"}},
        "env": [{"name": "KEY", "value": "k"}],
        "setup": [{"get": "/seed"}],
        "scenarios": {"a": one({"get": "/c-$(vu)"}, {"get": "/again-$(vu)"}, vus=2, iterations=1)},
    }

    async with serving(
        lambda asked: Reply(headers={"Set-Cookie": f"me={asked.target[1:]}"})
    ) as target:
        source = PlanSource(document=manifest(**spec), target=target.url)
        await run_in_loop(LocalRun(plan_of(source), env={"KEY": "k"}, source=source))
    assert {asked.headers["x-key"] for asked in target.asked} == {"k"}
    cookies = {asked.target: asked.headers.get("cookie") for asked in target.asked}
    assert cookies == {
        "/seed": None,
        "/c-1": None,
        "/c-2": None,
        "/again-1": "me=c-1",
        "/again-2": "me=c-2",
    }


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"scenarios": {"a": one({"get": "/"}, vus="$(env.N)")}}, id="load"),
        pytest.param({"thresholds": {"http_req_duration": ["p(95)<$(env.N)"]}}, id="thresholds"),
        pytest.param(
            {"scenarios": {"a": {**one({"get": "/"}), "enabled": "$(env.N)"}}}, id="enabled"
        ),
    ],
)
async def test_the_environment_has_no_place_in_load_and_thresholds(spec: Spec) -> None:
    spec = {"env": [{"name": "N", "value": "2"}], **spec}
    async with serving(ANSWER) as target:
        with pytest.raises(InvalidSpec, match=r"env\.N"):
            await run(spec, target)
    assert target.asked == []
