"""`kload report`: the exit code is the verdict's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kload_runner.cli.main import main
from kload_spec.result import Result, RunIdentity, conclude
from kload_spec.verdicts import Judgement, Reason, Verdict


@pytest.mark.parametrize(
    ("verdict", "reason", "code"),
    [
        (Verdict.PASSED, Reason.THRESHOLDS_HELD, 0),
        (Verdict.FAILED, Reason.THRESHOLD_BROKEN, 99),
        (Verdict.ERROR, Reason.RUNNER_LOST, 1),
    ],
)
def test_a_verdict_without_its_code_still_ends_with_it(
    tmp_path: Path, verdict: Verdict, reason: Reason, code: int
) -> None:
    result = conclude(Result(run=RunIdentity(name="x")))
    result = result.model_copy(update={"verdict": Judgement(verdict, reason, "so it was")})
    document = json.loads(result.model_dump_json(by_alias=True))
    del document["verdict"]["exit_code"]
    file = tmp_path / "result.json"
    file.write_text(json.dumps(document))
    assert main(["report", str(file)]) == code
