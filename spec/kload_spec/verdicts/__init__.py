"""Evidence of a run -> its verdict.

model     what a verdict is, what it rests on, the limits of a generator's own behaviour
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
from kload_spec.verdicts.rules import decide, exit_code

__all__ = [
    "Evidence",
    "Fault",
    "JudgedThreshold",
    "Judgement",
    "Limits",
    "Reason",
    "Verdict",
    "decide",
    "exit_code",
]
