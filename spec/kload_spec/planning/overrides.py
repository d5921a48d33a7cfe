"""What the command line says over the manifest: params, target, which scenarios, a quick run.

The same overrides give the same plan in every process of a fleet, so they are part of the plan's hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.quantities import QuantityError, parse_duration


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values over the manifest's own.

    Attributes:
        params: by name; texts are read as the type of the parameter's default.
        target: takes the place of `target.baseURL`.
        scenarios: run only these; empty: all that are enabled.
        vus, duration_s, iterations: any of them makes a quick run: every scenario keeps its name, steps and tags and
            becomes constant-vus (shared-iterations where iterations are given) from time 0.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    target: str | None = None
    scenarios: tuple[str, ...] = ()
    vus: int | None = None
    duration_s: float | None = None
    iterations: int | None = None

    @classmethod
    def of(cls, source: PlanSource) -> Overrides:
        """Return the overrides of a plan's source.

        Raises:
            InvalidSpec: a number or the duration cannot be.
        """
        problems = []
        duration_s = None
        if source.duration is not None:
            try:
                duration_s = parse_duration(source.duration)
            except QuantityError as error:
                problems.append(Problem("--duration", f"{error}; give a duration, e.g. 30s"))
            if duration_s == 0:
                problems.append(
                    Problem("--duration", f"{source.duration!r} is not above 0; give e.g. 30s")
                )
        for option, value in (("--vus", source.vus), ("--iterations", source.iterations)):
            if value is not None and value < 1:
                problems.append(Problem(option, f"{value} is below 1; give a number, e.g. 10"))
        if problems:
            raise InvalidSpec(problems)
        return cls(
            dict(source.params),
            source.target,
            source.scenarios,
            source.vus,
            duration_s,
            source.iterations,
        )

    @property
    def quick(self) -> bool:
        """Whether the load shape is replaced."""
        return self.vus is not None or self.duration_s is not None or self.iterations is not None
