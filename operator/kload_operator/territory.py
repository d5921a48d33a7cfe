"""Which namespaces the operator looks at: names and patterns (`team-*`), or all. Pure.

Patterns are watched as all namespaces are, and what is outside is passed over: kopf's own patterns miss a namespace
that is made as it starts. So they take cluster-wide rights; names do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Territory:
    """Namespaces by name or pattern; none: all."""

    names: tuple[str, ...] = ()

    @property
    def is_everywhere(self) -> bool:
        """Whether watching and listing go over the whole cluster."""
        return not self.names or any(_is_pattern(name) for name in self.names)

    @property
    def lists(self) -> tuple[str | None, ...]:
        """What to list: each namespace, or None for all at once."""
        return (None,) if self.is_everywhere else self.names

    def covers(self, namespace: str) -> bool:
        """Tell whether a namespace is looked at."""
        return not self.names or any(fnmatchcase(namespace, name) for name in self.names)


def _is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")
