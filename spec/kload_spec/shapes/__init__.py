"""Load as pure functions of time: six shapes, one per executor, and the schedule of a run.

Every shape has ``duration_s``, ``vu_limit``, ``planned_iterations`` and ``vus_at(t)``; closed loops add ``spans(vu)``
and ``steps()``, arrivals ``due(n)``, ``count(t)`` and ``instants(indexes)``. Times are seconds from the shape's start.
All of it is global: which runner does what is ``kload_spec.striping``.
"""

from kload_spec.shapes.arrivals import ConstantArrivalRate, RampingArrivalRate
from kload_spec.shapes.iterations import PerVUIterations, SharedIterations
from kload_spec.shapes.schedule import (
    DEFAULT_GRACEFUL_STOP_S,
    ArrivalShape,
    IterationShape,
    Moment,
    ScenarioLoad,
    Schedule,
    Shape,
    VUShape,
)
from kload_spec.shapes.virtual_users import ConstantVUs, RampingVUs, Span, Stage, Step, StepKind

__all__ = [
    "DEFAULT_GRACEFUL_STOP_S",
    "ArrivalShape",
    "ConstantArrivalRate",
    "ConstantVUs",
    "IterationShape",
    "Moment",
    "PerVUIterations",
    "RampingArrivalRate",
    "RampingVUs",
    "ScenarioLoad",
    "Schedule",
    "Shape",
    "SharedIterations",
    "Span",
    "Stage",
    "Step",
    "StepKind",
    "VUShape",
]
