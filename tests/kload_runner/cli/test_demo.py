"""`kload demo` brings its own target and says what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_runner.cli.demo import REPORT
from kload_runner.cli.main import main

SHORT = """\
apiVersion: kload.dev/v1alpha1
kind: LoadTest
metadata: {name: short}
spec:
  target: {baseURL: http://127.0.0.1:1}
  scenarios:
    look:
      executor: shared-iterations
      vus: 1
      iterations: 3
      steps: [{get: /}]
"""


def test_it_loads_the_bundled_shop_and_leaves_a_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "short.yaml").write_text(SHORT)
    assert main(["demo", "short.yaml"]) == 0
    out = capsys.readouterr().out
    assert "Passed  short" in out
    assert "What next?" in out
    assert REPORT.exists()


def test_a_port_that_is_taken_is_refused(
    folder: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "short.yaml").write_text(SHORT)
    assert main(["demo", "short.yaml", "--port", target.rpartition(":")[2]]) == 104
    assert "choose another one" in capsys.readouterr().err
