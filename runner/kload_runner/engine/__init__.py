"""One runner: from a plan to what was measured, without a word about who leads it.

    facts       what the runner knows besides the plan
    target      base URL, wire settings, ready probe
    assembly    programs, scripts and rows made ready to run
    scripts     a script's files, setup and teardown
    phases      setup and teardown
    engine      prepare, probe, set up, load, stop, tear down
    account     what came of it, as a result document and as live numbers

`runner` puts the protocol on top of it, `local` and the operator lead it.
"""

from kload_runner.engine.engine import Engine
from kload_runner.engine.facts import RunnerFacts
from kload_runner.engine.phases import PhaseFailed
from kload_runner.engine.target import TargetNotReady

__all__ = ["Engine", "PhaseFailed", "RunnerFacts", "TargetNotReady"]
