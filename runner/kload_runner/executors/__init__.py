"""The six executors: they decide when a VU starts an iteration, never what it does.

ScenarioLoad + RunFrame --run_scenario--> VirtualUser.run_iteration(...) ... --> ScenarioOutcome
"""

from kload_runner.executors.base import (
    DropCause,
    IterationInfo,
    NewVU,
    Observer,
    RunFrame,
    ScenarioOutcome,
    VirtualUser,
)
from kload_runner.executors.control import Control
from kload_runner.executors.scenario import executor_of, run_scenario

__all__ = [
    "Control",
    "DropCause",
    "IterationInfo",
    "NewVU",
    "Observer",
    "RunFrame",
    "ScenarioOutcome",
    "VirtualUser",
    "executor_of",
    "run_scenario",
]
