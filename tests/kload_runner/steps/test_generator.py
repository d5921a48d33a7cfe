"""The generated coroutine against a plain interpreter of the same programs, and what its source may hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.steps.generator import Binding, compile_program, expectation
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.rendering import Preparation
from kload_runner.steps.state import RunFacts, State, Surroundings
from kload_spec.expressions import (
    ANY,
    EvaluationError,
    Scope,
    compile_expression,
    compile_template,
    compile_value,
)
from kload_spec.program import (
    Assignment,
    CallStep,
    FailStep,
    ForeachStep,
    IfStep,
    LogStep,
    RepeatStep,
    SetStep,
    StatusSet,
    Step,
    StepProgram,
)

SCOPE = Scope(vars=ANY)
SURROUNDINGS = Surroundings("s", {}, {}, RunFacts("r", lambda: 0.0), 1, lambda: 1)


class Logbook:
    """Instruments that only keep the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)

    def step(self, name: str, tags: object = ()) -> Any:
        raise AssertionError("these programs measure nothing")


class NoClient:
    """What has no exchange to make."""

    exchange = None


def value(text: object) -> Any:
    return compile_value(text, SCOPE)


def condition(text: str) -> Any:
    return compile_expression(text, SCOPE)


LOG = LogStep("log", compile_template("a=$(vars.a) b=$(vars.b)", SCOPE))
FAIL = FailStep("fail", compile_template("at a=$(vars.a)", SCOPE))
CONDITIONS = [condition("vars.a % 2 == 0"), condition("vars.a < vars.b"), condition("vars.c == 1")]
SETS = [
    SetStep("set", (Assignment("a", value("$(vars.a + 1)")),)),
    SetStep("set", (Assignment("a", value("$(vars.b)")), Assignment("b", value("$(vars.a)")))),
    SetStep("set", (Assignment("b", value("$(vars.b + 2)")),)),
]


def lists(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[tuple[Step, ...]]:
    return st.lists(inner, min_size=1, max_size=3).map(tuple)


def nest(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    steps, tests = lists(inner), st.sampled_from(CONDITIONS)
    arguments = st.sampled_from(
        [(Assignment("a", value(7)),), (Assignment("c", value("$(vars.a)")),)]
    )
    return st.one_of(
        st.builds(IfStep, st.just("if"), tests, steps, st.one_of(st.just(()), steps)),
        st.builds(
            RepeatStep,
            st.just("repeat"),
            steps,
            st.integers(0, 4),
            times=st.one_of(st.none(), st.integers(0, 4)),
            while_=st.one_of(st.none(), tests),
            until=st.one_of(st.none(), tests),
            index=st.sampled_from([None, "a", "c"]),
        ),
        st.builds(
            ForeachStep,
            st.just("foreach"),
            st.sampled_from([value([1, 2, 3]), value("$(range(vars.a % 5))")]),
            st.sampled_from(["a", "c"]),
            steps,
            st.integers(0, 3),
        ),
        st.builds(CallStep, st.just("call"), st.just("block"), arguments, steps),
    )


LEAVES = st.sampled_from([LOG, *SETS, FAIL])
PROGRAMS = lists(st.recursive(LEAVES, nest, max_leaves=12))


def interpret(steps: tuple[Step, ...], state: State) -> Iterator[str]:
    """Run steps the plain way, yielding what they log."""
    for step in steps:
        match step:
            case LogStep():
                yield str(step.message.evaluate(state))
            case FailStep():
                raise IterationFailed(str(step.message.evaluate(state)))
            case SetStep(_, values):
                state.vars.update({item.name: item.value.evaluate(state) for item in values})
            case IfStep():
                chosen = step.then if step.condition.evaluate(state) else step.otherwise
                yield from interpret(chosen, state)
            case CallStep():
                values = {item.name: item.value.evaluate(state) for item in step.arguments}
                yield from scoped(values, step.steps, state)
            case RepeatStep():
                yield from repeated(step, state)
            case ForeachStep():
                before = dict(state.vars)
                for item in list(step.items.evaluate(state))[: step.limit]:  # type: ignore[arg-type]
                    state.vars[step.variable] = item
                    yield from interpret(step.steps, state)
                put_back(state, before, [step.variable])
            case _:
                raise AssertionError(step)


def scoped(values: dict[str, Any], steps: tuple[Step, ...], state: State) -> Iterator[str]:
    before = dict(state.vars)
    state.vars.update(values)
    yield from interpret(steps, state)
    put_back(state, before, values)


def repeated(step: RepeatStep, state: State) -> Iterator[str]:
    before = dict(state.vars)
    most = step.limit if step.times is None else min(step.times, step.limit)  # type: ignore[type-var]
    for index in range(most):  # type: ignore[arg-type]
        if step.index:
            state.vars[step.index] = index
        if step.while_ is not None and not step.while_.evaluate(state):
            break
        yield from interpret(step.steps, state)
        if step.until is not None and step.until.evaluate(state):
            break
    put_back(state, before, [step.index] if step.index else [])


def put_back(state: State, before: dict[str, Any], names: Any) -> None:
    for name in names:
        state.vars.pop(name, None)
        if name in before:
            state.vars[name] = before[name]


def fresh() -> State:
    state = State(SURROUNDINGS, 1, NoClient())  # type: ignore[arg-type]
    state.begin(0, {"a": 1, "b": 2}, None)
    return state


def outcome_of(lines: list[str], run: Any) -> tuple[list[str], str]:
    try:
        run()
    except IterationFailed as exc:
        return lines, exc.cause
    except EvaluationError as exc:
        return lines, exc.cause
    return lines, ""


async def never(instant: float) -> None:
    raise AssertionError("these programs do not sleep")


def compiled(steps: tuple[Step, ...], log: Logbook) -> Any:
    binding = Binding(Preparation("", fresh(), lambda path: b"", "kload"), log, lambda: 0.0, never)
    return compile_program(StepProgram(steps), binding)


@given(PROGRAMS)
@settings(max_examples=150, deadline=None)
def test_generated_code_does_what_an_interpreter_would(steps: tuple[Step, ...]) -> None:
    plain, generated = fresh(), fresh()
    lines: list[str] = []
    expected = outcome_of(lines, lambda: lines.extend(interpret(steps, plain)))
    log = Logbook()
    program = compiled(steps, log)
    found = outcome_of(log.lines, lambda: asyncio.run(program.iteration(generated)))
    assert found == expected
    assert generated.vars == plain.vars


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x'] = __import__('os').system('false'); vars['y", id="quotes"),
        pytest.param("a\nraise SystemExit", id="line-break"),
        pytest.param("\\", id="backslash"),
    ],
)
def test_what_users_write_cannot_become_code(name: str) -> None:
    steps = (
        SetStep(name, (Assignment(name, value(1)),)),
        ForeachStep(name, value([1]), name, (LOG,), 9),
    )
    state = fresh()
    state.vars |= {"a": 0, "b": 0}
    program = compiled(steps, Logbook())
    asyncio.run(program.iteration(state))
    assert state.vars[name] == 1


def test_no_answer_is_never_expected() -> None:
    table = expectation(StatusSet(((0, 999),)))
    assert table[0] is False
    assert all(table[1:])
