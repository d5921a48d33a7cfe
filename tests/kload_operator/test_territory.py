"""Namespaces by name, by pattern, or all."""

from __future__ import annotations

import pytest

from kload_operator.territory import Territory


@pytest.mark.parametrize(
    ("names", "covered", "lists"),
    [
        pytest.param((), {"shop": True, "team-a": True}, (None,), id="all"),
        pytest.param(("shop", "bar"), {"shop": True, "shops": False}, ("shop", "bar"), id="names"),
        pytest.param(("team-*",), {"team-a": True, "shop": False}, (None,), id="a-pattern"),
        pytest.param(
            ("team-?", "shop"), {"team-a": True, "team-ab": False, "shop": True}, (None,), id="both"
        ),
    ],
)
def test_a_territory_covers_what_its_names_say(
    names: tuple[str, ...], covered: dict[str, bool], lists: tuple[str | None, ...]
) -> None:
    territory = Territory(names)
    assert {name: territory.covers(name) for name in covered} == covered
    assert territory.lists == lists
