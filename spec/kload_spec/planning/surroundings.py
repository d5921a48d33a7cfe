"""What all programs of one file share while they are compiled, and what compiling one of them brings to light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kload_spec.metrics import MetricDefinition
from kload_spec.model.steps import Step
from kload_spec.model.target import Target
from kload_spec.model.verbs import Verb
from kload_spec.planning.compilation import Compiler
from kload_spec.program import StatusSet

DEFAULT_TIMEOUT_S = 30.0
DEFAULT_CONNECT_TIMEOUT_S = 10.0
DEFAULT_REDIRECTS = 10
MOST_STEP_NAMES = 50  # per scenario: they are label values of every series
_LONGEST_NAME = 120

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all programs share.

    Attributes:
        has_base: whether paths have a base URL to follow.
        broken: blocks whose own faults are told already; they are not put in.
    """

    blocks: Mapping[str, Steps]
    metrics: Mapping[str, MetricDefinition]
    target: Target
    expect: StatusSet
    has_base: bool
    broken: set[str] = field(default_factory=set)

    @property
    def timeout_s(self) -> float:
        """Of a request that does not say."""
        return self.target.timeout or DEFAULT_TIMEOUT_S

    @property
    def redirects(self) -> int:
        """Of a request that does not say."""
        return DEFAULT_REDIRECTS if self.target.redirects is None else self.target.redirects


@dataclass(slots=True)
class Findings:
    """What a program measures, collected while it is compiled.

    Attributes:
        steps: names of steps -> path of the step that has it.
        checks, asserts: names -> path of the first.
        tags: names of tags -> values.
        recorded: metrics of the test's own.
        slowest_s: the longest timeout of its requests.
    """

    steps: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    asserts: dict[str, str] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=dict)
    recorded: set[str] = field(default_factory=set)
    slowest_s: float = 0.0

    def add(self, other: Findings) -> None:
        """Take over what another program brought to light."""
        self.steps = {**other.steps, **self.steps}
        self.checks = {**other.checks, **self.checks}
        self.asserts = {**other.asserts, **self.asserts}
        for tag, values in other.tags.items():
            self.tags.setdefault(tag, set()).update(values)
        self.recorded |= other.recorded
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    def name_step(self, step: Step, default: str, path: str, compiler: Compiler) -> str:
        """Return the name of a step: its own, or a default that is made unique. The same step has the same name."""
        if step.name is not None:
            owner = self.steps.setdefault(step.name, path)
            if owner != path:
                compiler.problem(
                    f"{path}.name", f"{step.name!r} is also the name of {owner}; give each its own"
                )
            return step.name
        name = default if len(default) <= _LONGEST_NAME else default[: _LONGEST_NAME - 3] + "..."
        number, unique = 1, name
        while self.steps.get(unique, path) != path:
            number += 1
            unique = f"{name} ({number})"
        self.steps[unique] = path
        return unique


def variables_set(steps: Iterable[Step], blocks: Mapping[str, Steps]) -> frozenset[str]:
    """Return the variables that steps may set for what follows them, blocks included."""
    found: set[str] = set()
    for step in steps:
        found |= {*(step.save or {}), *(step.set or {})}
        for nested in nested_steps(step):
            found |= variables_set(nested, blocks)
        if step.call is not None and step.call in blocks:
            found |= variables_set(blocks[step.call], blocks)
    return frozenset(found)


def may_send(steps: Iterable[Step], blocks: Mapping[str, Steps]) -> bool:
    """Tell whether any of the steps sends a request, blocks included."""
    return any(
        step.verb is Verb.REQUEST
        or any(may_send(nested, blocks) for nested in nested_steps(step))
        or (step.call is not None and may_send(blocks.get(step.call, ()), blocks))
        for step in steps
    )


def nested_steps(step: Step) -> tuple[Steps, ...]:
    """Return the lists of steps inside a step."""
    lists: list[Steps | None] = [step.then, step.else_]
    lists += [option.steps for option in step.pick or ()]
    lists += [loop.steps for loop in (step.repeat, step.foreach) if loop is not None]
    return tuple(steps for steps in lists if steps)
