"""What a threshold says of itself."""

from __future__ import annotations

import pytest

from kload_spec.metrics import BUILTIN
from kload_spec.thresholds import parse_threshold


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("count==3", True), ("count<=3", True), ("count<2", True), ("count>0", True), ("count!=0", True),
        ("count==0", False), ("count<=0", False), ("count<1", False), ("rate<1", False),
    ],
)  # fmt: skip
def test_that_nothing_happens_is_judged_of_any_load(text: str, depends: bool) -> None:
    assert parse_threshold("http_reqs", text, BUILTIN).depends_on_length is depends
