"""The result document `kload-result/v1`: everything that is known about a finished run, in one JSON file.

document     its shape (pydantic; readers ignore what they do not know)
fields       types that JSON has no word for
series       its time series: columns on a common grid that can only get coarser
merging      the documents of N runners -> one, small enough for a ConfigMap
conclusion   thresholds judged and the verdict written into it
totals       `totals.<metric>.<stat>` for teardown
"""

from kload_spec.result.conclusion import Circumstances, conclude
from kload_spec.result.document import (
    RESULT_SCHEMA,
    AnswerCount,
    CheckResult,
    ErrorResult,
    MetricResult,
    PhaseTime,
    Result,
    RunIdentity,
    RunnerInfo,
    ScenarioResult,
    StepResult,
    Summary,
    ThresholdResult,
    result_json_schema,
)
from kload_spec.result.merging import fitted, merge
from kload_spec.result.series import MetricSeries, ScenarioSeries, StepSeries
from kload_spec.result.totals import summary, totals

__all__ = [
    "RESULT_SCHEMA",
    "AnswerCount",
    "CheckResult",
    "Circumstances",
    "ErrorResult",
    "MetricResult",
    "MetricSeries",
    "PhaseTime",
    "Result",
    "RunIdentity",
    "RunnerInfo",
    "ScenarioResult",
    "ScenarioSeries",
    "StepResult",
    "StepSeries",
    "Summary",
    "ThresholdResult",
    "conclude",
    "fitted",
    "merge",
    "result_json_schema",
    "summary",
    "totals",
]
