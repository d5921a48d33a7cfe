"""The LoadTest resource as pydantic models: the door through which every manifest comes."""

from kload_spec.model.declarations import (
    DataFeed,
    GeneratorLimits,
    Measure,
    Metric,
    Script,
    ScriptFile,
)
from kload_spec.model.environment import EnvVar, KeyRef, ValueFrom
from kload_spec.model.loadtest import (
    ABORT_ANNOTATION,
    API_VERSION,
    GROUP,
    KIND,
    MAX_LOADTEST_NAME,
    PLURAL,
    SHORT_NAME,
    VERSION,
    LoadTest,
    Metadata,
    Spec,
)
from kload_spec.model.parsing import parse
from kload_spec.model.runners import Runners
from kload_spec.model.scenarios import Executor, Scenario, Stage
from kload_spec.model.status import (
    Condition,
    ConditionStatus,
    ConditionType,
    Generator,
    PastRun,
    Phase,
    Progress,
    RunnersStatus,
    RunStatus,
    Status,
    Summary,
    ThresholdStatus,
)
from kload_spec.model.steps import Step
from kload_spec.model.target import Target

__all__ = [
    "ABORT_ANNOTATION",
    "API_VERSION",
    "GROUP",
    "KIND",
    "MAX_LOADTEST_NAME",
    "PLURAL",
    "SHORT_NAME",
    "VERSION",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "DataFeed",
    "EnvVar",
    "Executor",
    "Generator",
    "GeneratorLimits",
    "KeyRef",
    "LoadTest",
    "Measure",
    "Metadata",
    "Metric",
    "PastRun",
    "Phase",
    "Progress",
    "RunStatus",
    "Runners",
    "RunnersStatus",
    "Scenario",
    "Script",
    "ScriptFile",
    "Spec",
    "Stage",
    "Status",
    "Step",
    "Summary",
    "Target",
    "ThresholdStatus",
    "ValueFrom",
    "parse",
]
