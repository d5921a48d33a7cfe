"""What can go wrong with an expression: when it is compiled, and when it is evaluated.

Knows nothing of steps or verdicts: planners put a path before an ExpressionError, the engine decides what an
EvaluationError means (a check that is false, an iteration that fails, a sample that is missing).

    Exception
    ├── ValueError
    │   └── ExpressionError      the text cannot be compiled: a fault of the manifest, found before any load
    └── EvaluationError          the data did not fit at run time; the cause is short and bounded, fit to be counted
        └── BudgetExceeded       the evaluation was stopped because it would have cost too much
"""

from __future__ import annotations


class ExpressionError(ValueError):
    """A text that is no valid expression, template or value.

    Attributes:
        message: what is wrong and what to write instead, without the position.
        text: the whole text of the field.
        column: 1-based position in `text`; None where the fault has no one place.
        entry: where in a nested value the text stands, such as ``.customer.email``; empty for a field of its own.
    """

    def __init__(
        self, message: str, text: str = "", column: int | None = None, entry: str = ""
    ) -> None:
        self.message = message
        self.text = text
        self.column = column
        self.entry = entry
        where = _place(text, column)
        said = f"{where}: {message}" if where else message
        super().__init__(f"{entry}: {said}" if entry else said)

    def within(self, entry: str) -> ExpressionError:
        """Return the same fault, one step further out in a nested value."""
        return ExpressionError(self.message, self.text, self.column, entry + self.entry)


def _place(text: str, column: int | None) -> str:
    if column is None:
        return ""
    before = text[: column - 1]
    if "\n" not in before:
        return f"column {column}"
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


class EvaluationError(Exception):
    """Data that an expression cannot work with.

    The cause holds no value of the data beyond a key that the expression itself names, so that causes can be
    counted and shown without masking.

    Attributes:
        cause: a short class of cause, such as ``no such key: items``.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(cause)


class BudgetExceeded(EvaluationError):
    """An evaluation that was stopped because it would have cost too much."""
