"""Result documents as ConfigMaps hold them."""

from __future__ import annotations

from results import runner_result

from kload_operator.results import compact
from kload_spec.result import conclude, fitted


def test_a_document_that_cannot_be_made_small_enough_keeps_its_verdict() -> None:
    result = conclude(runner_result(1, points=100))
    assert compact(result) == fitted(result)
    least = compact(result, limit_bytes=500)
    assert least.verdict == result.verdict
    assert (least.summary, least.thresholds[0].tally) == (
        result.summary,
        result.thresholds[0].tally,
    )
    assert len(least.to_bytes()) < len(result.to_bytes())
