"""Steps that branch, loop, wait and end: written into the generated coroutine.

Loops are bounded by their `limit`; reaching it is no error. A loop whose rounds never wait gives others a turn every
`TURN_ROUNDS` rounds. Deep nesting goes into functions of its own, because CPython allows 20 nested blocks.

    repeat        rounds = 0
                  while rounds < most:
                      vars[index] = rounds; if not while: break
                      ...
                      rounds += 1; if until: break
"""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol

from kload_runner.steps.reads import waits
from kload_runner.steps.source import Source
from kload_spec.expressions import Expression, Template
from kload_spec.program import (
    AbortStep,
    Assignment,
    CallStep,
    FailStep,
    ForeachStep,
    IfStep,
    LogStep,
    PickStep,
    RepeatStep,
    SleepStep,
    Step,
)

DEEPEST = 8  # open blocks after which steps go into a function of their own
TURN_ROUNDS = 1024  # rounds of a loop without waiting after which other VUs get a turn


class Writer(Protocol):
    """Writes the steps inside steps, as `generator.Generator` does."""

    @property
    def source(self) -> Source: ...
    def steps(self, steps: tuple[Step, ...]) -> None: ...
    def function(self, name: str, steps: tuple[Step, ...]) -> None: ...
    def assign(self, values: tuple[Assignment, ...]) -> list[str]: ...


def write(writer: Writer, step: Step) -> None:
    """Write one step of control flow."""
    match step:
        case SleepStep():
            _sleep(writer, step)
        case IfStep():
            _if(writer, step)
        case PickStep():
            _pick(writer, step)
        case RepeatStep():
            _repeat(writer, step)
        case ForeachStep():
            _foreach(writer, step)
        case CallStep():
            _call(writer, step)
        case LogStep():
            writer.source.line(f"log({_text(writer, step.message)})")
        case FailStep():
            writer.source.line(f"raise IterationFailed({_text(writer, step.message)}, s.at)")
        case AbortStep():
            writer.source.line(f"raise RunAborted({_text(writer, step.message)})")
        case _:
            raise AssertionError(f"{type(step).__name__} is not control flow")


def _text(writer: Writer, template: Template) -> str:
    return f"text_of({writer.source.bind(template.evaluate, 'text')}(s))"


def _body(writer: Writer, steps: tuple[Step, ...]) -> None:
    """Write the steps of a block here, or call a function of their own where blocks are nested deeply."""
    source = writer.source
    if source.depth < DEEPEST:
        writer.steps(steps)
        return
    name = source.fresh("part")
    with source.apart():
        writer.function(name, steps)
    source.line(f"await {name}(s)")


def _sleep(writer: Writer, step: SleepStep) -> None:
    source = writer.source
    low, high = _milliseconds(writer, step.low_ms), _milliseconds(writer, step.high_ms)
    if low == high or step.low_ms is step.high_ms:
        source.line(f"await sleep_until(now() + {low} / 1000)")
    else:
        source.line(f"low, high = {low}, {high}")
        source.line("await sleep_until(now() + (low + (high - low) * s.rng.random()) / 1000)")


def _milliseconds(writer: Writer, value: Expression | Template | float) -> str:
    if isinstance(value, int | float):
        return repr(float(value))
    return f"milliseconds({writer.source.bind(value.evaluate, 'time')}(s))"


def _if(writer: Writer, step: IfStep) -> None:
    with writer.source.block(f"if {_condition(writer, step.condition)}:"):
        _body(writer, step.then)
    if step.otherwise:
        with writer.source.block("else:"):
            _body(writer, step.otherwise)


def _condition(writer: Writer, condition: Expression) -> str:
    return f"truth({writer.source.bind(condition.evaluate, 'condition')}(s))"


def _pick(writer: Writer, step: PickStep) -> None:
    source = writer.source
    options = [(weight, steps) for weight, steps in step.options if weight > 0]
    bounds = list(accumulate(weight for weight, _ in options))
    if not options:
        return
    draw = source.fresh("draw")
    source.line(f"{draw} = s.rng.random() * {float(bounds[-1])!r}")
    for position, (bound, (_, steps)) in enumerate(zip(bounds, options, strict=True)):
        last = position == len(options) - 1
        word = "if" if position == 0 else "elif"
        head = f"{word} {draw} < {float(bound)!r}:"
        with source.block("else:" if last and position else "if True:" if last else head):
            _body(writer, steps)


def _repeat(writer: Writer, step: RepeatStep) -> None:
    source = writer.source
    rounds, most, before = source.fresh("rounds"), source.fresh("most"), source.fresh("before")
    if step.times is None or isinstance(step.times, int):
        times = step.limit if step.times is None else max(0, min(step.times, step.limit))
        source.line(f"{most} = {times}")
    else:
        times_name = source.bind(step.times.evaluate, "times")
        source.line(f"{most} = min({step.limit}, whole({times_name}(s)))")
    if step.index is not None:
        source.line(f"{before} = remember(vars, ({step.index!r},))")
    source.line(f"{rounds} = 0")
    with source.block(f"while {rounds} < {most}:"):
        if step.index is not None:
            source.line(f"vars[{step.index!r}] = {rounds}")
        if step.while_ is not None:
            source.line(f"s.at = {step.path!r}")
            with source.block(f"if not {_condition(writer, step.while_)}:"):
                source.line("break")
        _body(writer, step.steps)
        source.line(f"{rounds} += 1")
        _give_turn(writer, step.steps, rounds)
        if step.until is not None:
            source.line(f"s.at = {step.path!r}")
            with source.block(f"if {_condition(writer, step.until)}:"):
                source.line("break")
    if step.index is not None:
        source.line(f"restore(vars, {before})")


def _foreach(writer: Writer, step: ForeachStep) -> None:
    source = writer.source
    before, item, rounds = source.fresh("before"), source.fresh("item"), source.fresh("rounds")
    items = source.bind(step.items.evaluate, "items")
    source.line(f"{before} = remember(vars, ({step.variable!r},))")
    with source.block(f"for {rounds}, {item} in enumerate(items_of({items}(s), {step.limit})):"):
        source.line(f"vars[{step.variable!r}] = {item}")
        _body(writer, step.steps)
        _give_turn(writer, step.steps, rounds)
    source.line(f"restore(vars, {before})")


def _give_turn(writer: Writer, steps: tuple[Step, ...], rounds: str) -> None:
    if not waits(steps):
        with writer.source.block(f"if not {rounds} % {TURN_ROUNDS}:"):
            writer.source.line("await turn(0)")


def _call(writer: Writer, step: CallStep) -> None:
    source = writer.source
    before = source.fresh("before")
    names = tuple(argument.name for argument in step.arguments)
    if names:
        source.line(f"{before} = remember(vars, {names!r})")
        writer.assign(step.arguments)
    _body(writer, step.steps)
    if names:
        source.line(f"restore(vars, {before})")
