"""How many processes a run gets: as many as the plan needs and the cores allow. Arithmetic over a plan.

One process drives tens of thousands of requests a second; what it needs more of is headroom, so that its own
event loop never becomes what is measured. The figures are a tenth to a fifth of what docs/benchmarks.md shows
for a core.
"""

from __future__ import annotations

from math import ceil

from kload_runner.cli.output import Refused
from kload_spec.plan import Plan
from kload_spec.shapes import ConstantArrivalRate, RampingArrivalRate

VUS_PER_WORKER = (
    500  # closed loops without pauses send as fast as they can; with pauses this is generous
)
STARTS_PER_S_PER_WORKER = 5000


def read_workers(text: str) -> int | None:
    """Read the option: a number of processes, or None for ``auto``."""
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise Refused.because(f"--workers {text}: give a number from 1 to 256, or auto")
    return int(text)


def workers_for(plan: Plan, cores: int) -> int:
    """Return how many processes `plan` should have on a machine with `cores` cores; at least one."""
    need = 0.0
    for scenario in plan.scenarios:
        shape = scenario.load.shape
        match shape:
            case ConstantArrivalRate():
                need += shape.rate / shape.time_unit_s / STARTS_PER_S_PER_WORKER
            case RampingArrivalRate():
                most = max([shape.start_rate, *(stage.target for stage in shape.stages)])
                need += most / shape.time_unit_s / STARTS_PER_S_PER_WORKER
            case _:
                need += shape.vu_limit / VUS_PER_WORKER
    return max(1, min(cores, ceil(need)))


def useful_workers(plan: Plan, asked: int) -> int:
    """Return how many of the processes asked for would own a VU: the rest would only cost their start."""
    return max(1, min(asked, sum(scenario.load.shape.vu_limit for scenario in plan.scenarios)))
