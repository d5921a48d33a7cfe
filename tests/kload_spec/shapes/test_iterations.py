"""Counted shapes: how much they plan and how long they may take."""

from __future__ import annotations

from kload_spec.shapes import PerVUIterations, SharedIterations


def test_every_vu_makes_its_own_number_of_iterations() -> None:
    shape = PerVUIterations(4, 25, 60)
    assert (shape.planned_iterations, shape.vu_limit, shape.duration_s) == (100, 4, 60)
    assert [shape.vus_at(t) for t in (-1, 0, 59.9, 60)] == [0, 4, 4, 0]


def test_shared_iterations_do_not_depend_on_the_vus() -> None:
    shape = SharedIterations(4, 25, 60)
    assert (shape.planned_iterations, shape.vu_limit, shape.duration_s) == (25, 4, 60)
    assert [shape.vus_at(t) for t in (-1, 0, 59.9, 60)] == [0, 4, 4, 0]


def test_counted_shapes_may_take_ten_minutes_unless_told() -> None:
    assert PerVUIterations(1, 1).duration_s == SharedIterations(1, 1).duration_s == 600
