"""Evidence of a run -> its verdict.

model     what a verdict is, what it rests on, the limits of a generator's own behaviour
outage    a target that answered nothing
rules     the order of precedence, one pure function
"""

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
from kload_spec.verdicts.rules import decide, exit_code

__all__ = [
    "Evidence",
    "Fault",
    "JudgedThreshold",
    "Judgement",
    "Limits",
    "Outage",
    "Reason",
    "Verdict",
    "decide",
    "exit_code",
]
