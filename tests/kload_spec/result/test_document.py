"""The result document: round trip, schema, what readers ignore and refuse."""

from __future__ import annotations

import json
import math

import jsonschema
import pytest
from results import IDENTITY, full_result, runner_result

from kload_spec.metrics import BUILTIN
from kload_spec.result import (
    Result,
    ThresholdResult,
    conclude,
    merge,
    result_json_schema,
)
from kload_spec.thresholds import parse_threshold


def test_a_document_survives_being_written_and_read() -> None:
    written = conclude(merge([runner_result(1), runner_result(2)]))
    for data in (written.to_bytes(), written.model_dump_json(by_alias=True).encode()):
        assert Result.from_bytes(data) == written
    assert written.to_bytes() == Result.from_bytes(written.to_bytes()).to_bytes()


def test_a_written_document_fits_the_published_schema() -> None:
    schema = result_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(conclude(runner_result(1)).model_dump_json(by_alias=True))
    jsonschema.validate(document, schema)
    assert document["schema"] == "kload-result/v1"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "steps": [{"scenario": 1}]}, schema)


def test_readers_ignore_what_they_do_not_know() -> None:
    document = json.loads(runner_result(1).model_dump_json(by_alias=True))
    document["invented_later"] = {"x": 1}
    document["steps"][0]["invented_later"] = True
    assert Result.model_validate(document) == runner_result(1)


def test_an_infinite_sum_is_written_as_a_word() -> None:
    late = parse_threshold("http_req_response_time", "avg<1s", BUILTIN)
    result = conclude(
        Result(
            run=IDENTITY,
            thresholds=[ThresholdResult(definition=late, good=1, samples=2, sum=math.inf)],
        )
    )
    document = json.loads(result.model_dump_json(by_alias=True))
    assert document["thresholds"][0]["sum"] == "Infinity"
    assert document["thresholds"][0]["observed"] == "Infinity"
    assert Result.from_bytes(result.to_bytes()).thresholds[0].sum == math.inf
    assert document["thresholds"][0]["shown"] == "infinite"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"no json", b"\x1f\x8bbroken", b'{"schema": "kload-result/v9"}']
)
def test_what_is_no_result_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Result.from_bytes(data)


def test_percentiles_are_read_per_step_and_no_data_is_no_number() -> None:
    result = full_result()
    assert result.percentile(95) == 3000.0
    assert result.percentile(0, step="pay") == 1000.0
    assert result.percentile(50, scenario="setup") == 50_000.0
    with pytest.raises(ValueError, match="no request of scenario any, step unknown was measured"):
        result.percentile(95, step="unknown")
    assert Result(run=IDENTITY).message == "no verdict yet"


@pytest.mark.parametrize("number", [-math.inf, math.nan, math.inf])
def test_no_sum_makes_a_document_unreadable(number: float) -> None:
    late = parse_threshold("http_req_response_time", "avg<1s", BUILTIN)
    result = Result(
        run=IDENTITY, thresholds=[ThresholdResult(definition=late, samples=2, sum=number)]
    )
    (read,) = Result.from_bytes(result.to_bytes()).thresholds
    assert repr(read.sum) == repr(number)
