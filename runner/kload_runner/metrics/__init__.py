"""What is measured: bound once per step, recorded in about a microsecond, read once a second.

registry     which metrics there are, and which thresholds a set of tags concerns
tallies      good, samples and sum of every threshold
series       the points of time series, on a grid that only gets coarser
trends       distributions: raw values in small batches -> histograms and thresholds
answers      requests of one step that ended in one way
checks       checks and asserts
steps        everything about one step
custom       samples of declared metrics
scenarios    iterations, VUs and what the schedule observed
recorder     the facade that hands all of these out and reads them
reading      recorder -> result document
exposition   recorder -> /metrics, the only user of prometheus_client; not imported here: only who serves needs it
"""

from kload_runner.metrics.checks import CheckRecorder
from kload_runner.metrics.custom import MetricRecorder, RefusedSample
from kload_runner.metrics.recorder import LiveNumbers, Recorder
from kload_runner.metrics.scenarios import ScenarioRecorder
from kload_runner.metrics.steps import StepRecorder

__all__ = [
    "CheckRecorder",
    "LiveNumbers",
    "MetricRecorder",
    "Recorder",
    "RefusedSample",
    "ScenarioRecorder",
    "StepRecorder",
]
