"""What is refused before anything is made of it, by the name of its field."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import manifest
from situations import NOW

from kload_operator.decision import Rules
from kload_operator.phases.accepting import accept
from kload_operator.settings import LimitSettings
from kload_operator.subject import Reader

SCRIPT = {"entry": "buy.py", "image": "registry/shop-tests:1"}
BY_SCRIPT = {
    "buy": {"executor": "constant-vus", "vus": 4, "duration": "1h", "exec": "buy"},
}


def accepted(limits: dict[str, Any] | None = None, **spec: Any) -> tuple[str | None, str]:
    """Return the reason and the message of what becomes of a spec."""
    document = manifest(**{"scenarios": BY_SCRIPT, "script": SCRIPT, **spec})
    metadata = {**document["metadata"], "uid": "u", "generation": 1}
    rules = Rules(LimitSettings(**limits or {}))
    status = accept(Reader().read({**document, "metadata": metadata}), rules, NOW).status
    return status.reason, status.message or ""


@pytest.mark.parametrize(
    "runners",
    [
        pytest.param({}, id="the script's image alone"),
        pytest.param({"image": "registry/shop-tests:1"}, id="the same twice"),
    ],
)
def test_a_script_may_bring_its_image(runners: dict[str, Any]) -> None:
    reason, message = accepted(runners=runners)
    assert reason is None, message


@pytest.mark.parametrize(
    ("limits", "spec", "reason", "named"),
    [
        pytest.param(
            {},
            {"runners": {"image": "mine:2"}},
            "InvalidSpec",
            "spec.runners.image: mine:2 and spec.script.image: registry/shop-tests:1",
            id="two images",
        ),
        pytest.param(
            {"max_runners": 2},
            {"runners": {"replicas": 3}},
            "Forbidden",
            "spec.runners.replicas: 3",
            id="runners",
        ),
        pytest.param({"max_vus": 3}, {}, "Forbidden", "4 VUs", id="VUs"),
        pytest.param({"max_duration_s": 60}, {}, "Forbidden", "takes up to", id="duration"),
        pytest.param({}, {"seed": "x"}, "InvalidSpec", "spec.seed", id="no plan"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(
    limits: dict[str, Any], spec: dict[str, Any], reason: str, named: str
) -> None:
    told, message = accepted(limits, **spec)
    assert told == reason
    assert named in message
