"""What one runner knows besides the plan: which run it belongs to, its place in the fleet, where it runs.

Facts only; filled in by the local coordinator or the pod's entry point.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from kload_spec.control import RunIdentity, TargetLimits
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.plan import EnvDeclaration, Plan
from kload_spec.striping import RunnerIndex

MASK = "***"
SHORTEST_SECRET = 4  # characters; masking shorter values would tear holes into every text
_IN_A_PATH = "/:?#[]@!$&'()*+,;=~%"  # what a URL may hold as it is


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """One runner of one run.

    Attributes:
        seed: of the run, the same on every runner.
        env: values of the plan's environment variables.
        base_dir: folder that the manifest's paths are relative to.
        node, pod: where it runs in a cluster; None on a laptop.
        loop_name: the event loop's implementation, for the result.
    """

    run: RunIdentity
    runner: RunnerIndex = field(default_factory=RunnerIndex)
    seed: int = 0
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_dir: Path = field(default_factory=Path)
    limits: TargetLimits = field(default_factory=TargetLimits)
    node: str | None = None
    pod: str | None = None
    loop_name: str = ""

    @property
    def leads(self) -> bool:
        """Whether this runner does what is done once per run: probe, setup, teardown."""
        return self.runner.index == 0


def seed_of(plan: Plan, given: int | None) -> int:
    """Return the seed of a run: the manifest's, or the one that whoever leads has drawn for all runners."""
    if plan.seed is not None:
        return plan.seed
    return given if given is not None else 0


def masker(declared: Iterable[EnvDeclaration], env: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that takes the values of secrets out of a text, also as they stand in URLs, JSON and base64."""
    values = {
        form
        for item in declared
        if item.secret and len(env.get(item.name, "")) >= SHORTEST_SECRET
        for form in _forms(env[item.name])
    }
    secrets = sorted(values, key=len, reverse=True)  # one may be part of another

    def mask(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text

    return mask


def masked(error: InvalidSpec, mask: Callable[[str], str]) -> InvalidSpec:
    """Return a refusal without the values of secrets."""
    return InvalidSpec(
        Problem(problem.path, mask(problem.message), problem.line) for problem in error.problems
    )


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as it is written elsewhere."""
    data = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield base64.b64encode(data).decode().rstrip("=")
    for safe in ("", "/", _IN_A_PATH):
        yield quote(data, safe=safe)
    yield quote_plus(data)
