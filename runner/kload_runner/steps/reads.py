"""What a program reads: decides what need not be kept, rendered or reset. Pure walks over the program's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kload_runner.steps.bodies import body_names
from kload_spec.expressions import CompiledValue, Expression, Template
from kload_spec.program import (
    AbortStep,
    CallStep,
    Check,
    CheckStep,
    FailStep,
    ForeachStep,
    IfStep,
    LogStep,
    PickStep,
    Record,
    RecordStep,
    RepeatStep,
    RequestStep,
    SetStep,
    SleepStep,
    Step,
    StepProgram,
)

Readable = Expression | Template | CompiledValue

NOTHING: frozenset[str] = frozenset()


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps and everything inside them, in order."""
    for step in steps:
        yield step
        for inner in children(step):
            yield from walk(inner)


def children(step: Step) -> tuple[tuple[Step, ...], ...]:
    """Return the lists of steps inside a step."""
    match step:
        case IfStep():
            return (step.then, step.otherwise)
        case PickStep():
            return tuple(steps for _, steps in step.options)
        case RepeatStep() | ForeachStep() | CallStep():
            return (step.steps,)
        case _:
            return ()


def waits(steps: Iterable[Step]) -> bool:
    """Say whether every pass through these steps gives other VUs a turn: a request or a sleep that is always met."""
    return any(
        isinstance(step, RequestStep | SleepStep)
        or (isinstance(step, CallStep) and waits(step.steps))
        for step in steps
    )


def program_names(program: StepProgram) -> frozenset[str]:
    """Return every name that a program reads."""
    names = names_of(assignment.value for assignment in program.variables)
    for step in walk((*program.start, *program.steps)):
        names |= step_names(step)
    return names


def step_names(step: Step) -> frozenset[str]:
    """Return the names that a step itself reads, without the steps inside it."""
    match step:
        case RequestStep():
            return _request_names(step)
        case CheckStep():
            return _judging_names(step.checks, step.record)
        case RecordStep():
            return _judging_names((), step.record)
        case SetStep():
            return names_of(assignment.value for assignment in step.values)
        case CallStep():
            return names_of(assignment.value for assignment in step.arguments)
        case LogStep() | FailStep() | AbortStep():
            return step.message.names
        case _:
            return _flow_names(step)


def _flow_names(step: SleepStep | IfStep | PickStep | RepeatStep | ForeachStep) -> frozenset[str]:
    match step:
        case SleepStep():
            return names_of((step.low_ms, step.high_ms))
        case IfStep():
            return step.condition.names
        case RepeatStep():
            return names_of((step.times, step.while_, step.until))
        case ForeachStep():
            return names_of((step.items,))
        case PickStep():
            return NOTHING


def names_of(values: Iterable[object]) -> frozenset[str]:
    """Return what compiled values read; plain values read nothing."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, Readable):
            found |= value.names
    return frozenset(found)


def _request_names(step: RequestStep) -> frozenset[str]:
    values: list[object] = [step.url, step.query, step.headers_map, step.log_failure]
    values += [template for _, template in step.headers]
    values += [assignment.value for assignment in step.save]
    return names_of(values) | body_names(step.body) | _judging_names(step.checks, step.record)


def _judging_names(checks: tuple[Check, ...], record: tuple[Record, ...]) -> frozenset[str]:
    return names_of([check.condition for check in checks] + [entry.value for entry in record])
