"""Planning: a LoadTest to a Plan, with everything compiled and every fault of the file told at once.

overrides      what the command line says over the manifest
places         which names exist where
compilation    texts to functions, faults collected
steps, requests, pauses, blocks     programs
loads          load profiles and their defaults
rules          thresholds, explicit and implicit
declarations, targets               everything scenarios refer to
planner        puts it together
description    what `kload validate` shows
"""

from kload_spec.planning.description import Description, ScenarioDescription, describe
from kload_spec.planning.hashing import plan_hash, spec_hash
from kload_spec.planning.overrides import Overrides
from kload_spec.planning.planner import plan, plan_of

__all__ = [
    "Description",
    "Overrides",
    "ScenarioDescription",
    "describe",
    "plan",
    "plan_hash",
    "plan_of",
    "spec_hash",
]
