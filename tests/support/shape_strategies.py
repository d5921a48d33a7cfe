"""Hypothesis strategies for load shapes, schedules and fleets; kept small, so that thousands of cases take a second."""

from __future__ import annotations

from hypothesis import strategies as st

from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Schedule,
    SharedIterations,
    Stage,
)

seconds = st.integers(0, 8000).map(lambda milliseconds: milliseconds / 1000)
some_seconds = st.integers(1, 8000).map(lambda milliseconds: milliseconds / 1000)
vus = st.integers(1, 12)
rates = st.integers(0, 20)
time_units = st.sampled_from([0.1, 1.0, 3.0, 60.0])
fleets = st.integers(1, 9)


def stages(targets: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[Stage, ...]]:
    """Return one to five stages, jumps included."""
    return st.lists(st.builds(Stage, seconds, targets), min_size=1, max_size=5).map(tuple)


ramps = st.builds(RampingVUs, st.integers(0, 12), stages(st.integers(0, 12)), seconds)
closed_loops = st.one_of(st.builds(ConstantVUs, vus, some_seconds), ramps)
per_vu = st.builds(PerVUIterations, vus, st.integers(1, 5), some_seconds)
shared = st.builds(
    lambda vus, more, longest: SharedIterations(vus, vus + more, longest),
    vus,
    st.integers(0, 20),
    some_seconds,
)
constant_rates = st.builds(ConstantArrivalRate, rates, time_units, some_seconds, st.just(0), vus)
ramping_rates = st.builds(RampingArrivalRate, rates, time_units, stages(rates), st.just(0), vus)
arrivals = st.one_of(constant_rates, ramping_rates)
shapes = st.one_of(closed_loops, per_vu, shared, arrivals)


@st.composite
def schedules(draw: st.DrawFn, of: st.SearchStrategy[object] = shapes) -> Schedule:
    """Draw one to four scenarios that begin at different times."""
    drawn = draw(st.lists(st.tuples(of, seconds), min_size=1, max_size=4))
    return Schedule.of(
        ScenarioLoad(f"s{n}", shape, start) for n, (shape, start) in enumerate(drawn)
    )
