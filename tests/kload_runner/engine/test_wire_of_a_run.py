"""The wire of a run is ready before the load."""

from __future__ import annotations

import pytest

from kload_runner.engine.target import make_wire
from kload_runner.wire import WireSettings, tls


@pytest.mark.parametrize(
    ("base_url", "contexts"),
    [("https://127.0.0.1:8443", 1), ("http://127.0.0.1:8080", 0), ("", 0)],
)
async def test_what_takes_long_about_tls_is_done_before_the_load(
    monkeypatch: pytest.MonkeyPatch, base_url: str, contexts: int
) -> None:
    made = []
    monkeypatch.setattr(tls, "make_context", made.append)
    wire = make_wire(WireSettings(), base_url)
    assert len(made) == contexts
    await wire.close()
