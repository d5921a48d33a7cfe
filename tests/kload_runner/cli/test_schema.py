"""`kload schema` prints what an editor needs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from kload_runner.cli.main import main


def test_the_schema_accepts_what_kload_new_writes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "mine.yaml"]) == 0
    capsys.readouterr()
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    written = yaml.safe_load((folder / "mine.yaml").read_text())
    jsonschema.validate(written, schema)
    written["spec"]["scenarios"]["browse"]["vuss"] = 3
    with pytest.raises(jsonschema.ValidationError, match="vuss"):
        jsonschema.validate(written, schema)
