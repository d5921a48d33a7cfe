"""What steps do, as tables: control flow, variables, checks, samples, and how iterations fail."""

from __future__ import annotations

from typing import Any

import pytest
from plays import Play, perform, planned
from scripted_target import Asked, Reply, serving

Spec = dict[str, Any]

METRICS = {
    "took": {"type": "trend", "unit": "time"},
    "wrong": {"type": "rate"},
    "total": {"type": "counter"},
}


async def play_of(*steps: Spec, reply: Reply | None = None, **options: Any) -> Play:
    """Perform steps against a target that always says the same."""
    iterations = options.pop("iterations", 1)
    async with serving(reply or Reply(body={"id": 7, "items": [1, 2, 3]})) as target:
        spec = {"metrics": METRICS, **options}
        return await perform(planned(target.url, *steps, **spec), iterations=iterations)


@pytest.mark.parametrize(
    ("steps", "logs"),
    [
        pytest.param([{"set": {"a": 1}}, {"log": "a=$(vars.a)"}], ["a=1"], id="set"),
        pytest.param(
            [
                {"set": {"a": 1, "b": 2}},
                {"set": {"a": "$(vars.b)", "b": "$(vars.a)"}},
                {"log": "$(vars.a) $(vars.b)"},
            ],
            ["2 1"],
            id="entries-of-one-map-read-the-state-before-it",
        ),
        pytest.param(
            [{"if": "vu == 1", "then": [{"log": "yes"}], "else": [{"log": "no"}]}],
            ["yes"],
            id="then",
        ),
        pytest.param(
            [{"if": "vu == 2", "then": [{"log": "yes"}], "else": [{"log": "no"}]}],
            ["no"],
            id="else",
        ),
        pytest.param(
            [{"repeat": {"times": 3, "index": "i", "steps": [{"log": "$(vars.i)"}]}}],
            ["0", "1", "2"],
            id="repeat-times-with-index",
        ),
        pytest.param(
            [
                {"set": {"n": 0}},
                {
                    "repeat": {
                        "while": "vars.n < 2",
                        "max": 9,
                        "steps": [{"set": {"n": "$(vars.n + 1)"}}, {"log": "$(vars.n)"}],
                    }
                },
            ],
            ["1", "2"],
            id="while-is-tested-before",
        ),
        pytest.param(
            [{"repeat": {"while": "vu == 2", "max": 9, "steps": [{"log": "never"}]}}],
            [],
            id="while-may-run-no-round",
        ),
        pytest.param(
            [{"repeat": {"until": "vu == 1", "max": 9, "steps": [{"log": "once"}]}}],
            ["once"],
            id="until-is-tested-after",
        ),
        pytest.param(
            [{"repeat": {"while": "vu == 1", "max": 2, "steps": [{"log": "x"}]}}, {"log": "on"}],
            ["x", "x", "on"],
            id="reaching-max-is-no-error",
        ),
        pytest.param(
            [{"foreach": {"in": ["a", "b"], "as": "x", "steps": [{"log": "$(vars.x)"}]}}],
            ["a", "b"],
            id="foreach",
        ),
        pytest.param(
            [
                {
                    "foreach": {
                        "in": "$(range(9))",
                        "as": "x",
                        "max": 2,
                        "steps": [{"log": "$(vars.x)"}],
                    }
                }
            ],
            ["0", "1"],
            id="foreach-stops-at-max",
        ),
        pytest.param(
            [
                {
                    "pick": [
                        {"weight": 0, "steps": [{"log": "a"}]},
                        {"weight": 2, "steps": [{"log": "b"}]},
                    ]
                }
            ],
            ["b"],
            id="pick-never-takes-weight-0",
        ),
    ],
)
async def test_control_flow(steps: list[Spec], logs: list[str]) -> None:
    play = await play_of(*steps)
    assert (play.logs, play.failures) == (logs, [])


async def test_arguments_of_a_call_end_with_it_and_what_it_saves_stays() -> None:
    blocks = {"greet": [{"log": "hi $(vars.who)"}, {"set": {"greeted": "$(vars.who)"}}]}
    play = await play_of(
        {"set": {"who": "me"}},
        {"call": "greet", "with": {"who": "you"}},
        {"log": "$(vars.who) $(vars.greeted)"},
        blocks=blocks,
    )
    assert play.logs == ["hi you", "me you"]


async def test_nesting_deeper_than_python_allows_runs() -> None:
    steps: list[Spec] = [{"log": "deep"}]
    for _ in range(25):
        steps = [{"repeat": {"times": 1, "steps": steps}}]
    assert (await play_of(*steps)).logs == ["deep"]


async def test_pick_follows_its_weights_and_a_seed_repeats_it() -> None:
    pick = {
        "pick": [
            {"weight": 3, "steps": [{"log": "a"}]},
            {"weight": 1, "steps": [{"log": "b"}]},
        ]
    }
    loop = {"repeat": {"times": 400, "steps": [pick]}}
    first, again = await play_of(loop), await play_of(loop)
    assert first.logs == again.logs
    assert 0.65 < first.logs.count("a") / 400 < 0.85


async def test_variables_end_with_the_iteration_unless_the_scenario_declares_them() -> None:
    play = await play_of(
        {"log": "n=$(vars.n)"},
        {"set": {"n": "$(vars.n + 1)", "gone": 1}},
        scenario={"vars": {"n": 5}},
        iterations=3,
    )
    assert play.logs == ["n=5", "n=6", "n=7"]


async def test_a_failed_iteration_keeps_what_the_vu_had_learnt() -> None:
    play = await play_of(
        {"log": "n=$(vars.n)"},
        {"set": {"n": "$(vars.n + 1)"}},
        {"fail": "no"},
        scenario={"vars": {"n": 0}},
        iterations=2,
    )
    assert play.logs == ["n=0", "n=1"]


async def test_start_runs_once_per_vu_and_again_where_it_failed() -> None:
    answers = iter([Reply(status=500), Reply(body={"token": "t1"}), *([Reply()] * 9)])
    scenario = {
        "vars": {"token": ""},
        "start": [{"get": "/login", "save": {"token": "json.token"}}],
    }
    async with serving(lambda asked: next(answers)) as target:
        test = planned(target.url, {"get": "/$(vars.token)"}, scenario=scenario)
        play = await perform(test, iterations=3)
    assert target.targets() == ["/login", "/login", "/t1", "/t1"]
    assert len(play.failures) == 1


async def test_setup_variables_are_there_and_an_iteration_cannot_change_them_for_the_next() -> None:
    async with serving() as target:
        test = planned(
            target.url,
            {"log": "$(vars.key)"},
            {"set": {"key": "changed"}},
            setup=[{"set": {"key": "k"}}],
        )
        play = await perform(test, iterations=2, given={"key": "k"})
    assert play.logs == ["k", "k"]


# -- judging -------------------------------------------------------------------------------------------------------


async def test_checks_count_and_never_fail_the_iteration() -> None:
    play = await play_of(
        {
            "get": "/",
            "checks": {
                "status is 200": "status == 200",
                "has 4 items": "size(json.items) == 4",
                "has a name": 'json.name == "x"',
            },
        },
        {"log": "on"},
    )
    assert play.checks == {"status is 200": (1, 0), "has 4 items": (0, 1), "has a name": (0, 1)}
    assert (play.failures, play.logs) == ([], ["on"])
    causes = {check.name: check.errors for check in play.result.checks}
    assert causes["has 4 items"] == {}
    assert sum(causes["has a name"].values()) == 1


async def test_record_and_save_see_whether_all_checks_held() -> None:
    step = {
        "get": "/",
        "checks": {"a": "status == 200", "b": "status == 201"},
        "record": {"wrong": "!checks.ok", "total": "3", "took": "1500ms"},
        "save": {"ok": "checks.ok", "id": "json.id"},
    }
    play = await play_of(step, {"log": "$(vars.ok) $(vars.id)"})
    assert play.logs == ["false 7"]
    assert play.samples == {"wrong": (1, 1.0), "total": (1, 3.0), "took": (1, 1.5)}


@pytest.mark.parametrize(
    ("steps", "cause"),
    [
        pytest.param([{"get": "/", "save": {"x": "json.nope"}}], "nope", id="save"),
        pytest.param([{"get": "/"}, {"set": {"x": "$(json.nope)"}}], "nope", id="set"),
        pytest.param(
            [{"get": "/"}, {"if": "json.nope == 1", "then": [{"log": "x"}]}], "nope", id="if"
        ),
        pytest.param(
            [{"get": "/"}, {"foreach": {"in": "$(json.id)", "as": "x", "steps": [{"log": "x"}]}}],
            "list",
            id="foreach-over-no-list",
        ),
        pytest.param([{"get": "/"}, {"sleep": "$(json.items)"}], "time", id="sleep-of-no-time"),
        pytest.param([{"fail": "no stock for $(vu)"}], "no stock for 1", id="fail"),
        pytest.param(
            [{"get": "/"}, {"if": "json.id", "then": [{"log": "x"}]}],
            "neither true nor false",
            id="condition-of-no-truth-value",
        ),
    ],
)
async def test_an_iteration_fails_with_place_and_cause(steps: list[Spec], cause: str) -> None:
    play = await play_of(*steps, {"log": "never"})
    assert play.logs == []
    assert cause in play.failures[0]
    assert play.failures[0].startswith("spec.scenarios.play.steps[")
    assert (play.result.scenarios[0].iterations, play.result.scenarios[0].failed) == (1, 1)


async def test_record_without_a_value_takes_no_sample_and_goes_on() -> None:
    play = await play_of({"get": "/", "record": {"total": "json.nope"}}, {"log": "on"})
    assert (play.logs, play.samples["total"]) == (["on"], (0, 0.0))
    assert [error.kind for error in play.result.errors] == ["record"]


async def test_abort_ends_the_run_and_is_no_failed_iteration() -> None:
    play = await play_of({"abort": "stop $(vu)"}, {"log": "never"})
    assert (play.aborted, play.logs) == (["stop 1"], [])
    assert play.result.scenarios[0].iterations == 0


async def test_a_step_that_only_judges_reads_the_latest_response() -> None:
    play = await play_of({"get": "/"}, {"checks": {"late": "json.id == 7"}})
    assert play.checks == {"late": (1, 0)}


# -- answers that are none -----------------------------------------------------------------------------------------


async def test_no_answer_is_a_measurement_with_a_class() -> None:
    play = await play_of(
        {
            "get": "/",
            "checks": {"fast": "duration < 500ms", "json": "json.id == 7", "none": "status == 0"},
        },
        {"log": "$(error)"},
        reply=Reply(drop=True),
    )
    assert play.checks == {"fast": (1, 0), "json": (0, 1), "none": (1, 0)}
    assert play.logs == ["reset"]
    step = play.result.steps[0]
    assert (step.requests, step.failed, step.answers[0].error) == (1, 1, "reset")


async def test_a_request_that_was_never_written_has_no_duration() -> None:
    test = planned("http://127.0.0.1:1", {"get": "/", "checks": {"fast": "duration < 500ms"}})
    play = await perform(test)
    assert play.checks == {"fast": (0, 1)}
    assert play.result.steps[0].duration.count == 0


async def test_a_timeout_is_the_steps_own() -> None:
    play = await play_of(
        {"get": "/", "timeout": "50ms"}, {"log": "$(error)"}, reply=Reply(hang=True)
    )
    assert play.logs == ["timeout"]


@pytest.mark.parametrize(
    ("expect", "status", "failed"),
    [
        pytest.param(None, 302, 0, id="default-takes-redirects"),
        pytest.param(None, 404, 1, id="default-refuses-404"),
        pytest.param(404, 404, 0, id="one"),
        pytest.param([200, 409], 409, 0, id="list"),
        pytest.param("200..299", 302, 1, id="range"),
    ],
)
async def test_expect_decides_what_failed_means(expect: Any, status: int, failed: int) -> None:
    step: Spec = {"get": "/"} | ({"expect": expect} if expect else {})
    play = await play_of(step, reply=Reply(status=status))
    assert play.result.steps[0].failed == failed


async def test_a_failure_is_logged_where_the_step_says_so() -> None:
    step = {"get": "/", "logFailure": "VU $(vu): $(status) $(body)"}
    play = await play_of(step, reply=Reply(status=503, body="busy"))
    assert play.logs == ["VU 1: 503 busy"]
    assert (await play_of(step)).logs == []


async def test_each_redirect_hop_is_a_request_of_the_step() -> None:
    def script(asked: Asked) -> Reply:
        if asked.target == "/":
            return Reply(status=302, headers={"Location": "/next"})
        return Reply(body={"id": 1})

    async with serving(script) as target:
        play = await perform(planned(target.url, {"get": "/", "save": {"id": "json.id"}}))
    assert target.targets() == ["/", "/next"]
    assert (play.result.steps[0].requests, play.failures) == (2, [])


# -- rows ----------------------------------------------------------------------------------------------------------


async def test_rows_reach_the_expressions() -> None:
    play = await play_of(
        {"log": "$(row.name)"},
        scenario={"data": "people"},
        data={"people": {"rows": [{"name": "a"}, {"name": "b"}]}},
        iterations=3,
    )
    assert play.logs == ["a", "b", "a"]
