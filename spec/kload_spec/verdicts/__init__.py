"""Evidence of a run -> its verdict.

model     what a verdict is, what it rests on, the limits of a generator's own behaviour
outage    a target that answered nothing
rules     the order of precedence, one pure function
cautions  what should be known beside a verdict
exits     exit codes
waiting   requests that were cut off while they waited
"""

from kload_spec.verdicts.exits import exit_code
from kload_spec.verdicts.model import (
    Evidence,
    Fault,
    JudgedThreshold,
    Judgement,
    Limits,
    Reason,
    Verdict,
)
from kload_spec.verdicts.outage import Outage
from kload_spec.verdicts.rules import decide
from kload_spec.verdicts.waiting import SHORTEST_S, Waiting

__all__ = [
    "SHORTEST_S",
    "Evidence",
    "Fault",
    "JudgedThreshold",
    "Judgement",
    "Limits",
    "Outage",
    "Reason",
    "Verdict",
    "Waiting",
    "decide",
    "exit_code",
]
