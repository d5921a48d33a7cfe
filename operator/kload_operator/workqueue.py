"""Keys waiting to be reconciled: each at most once in line and never by two workers at a time.

Watch events, timers and failures put keys in; workers take them out. A key added while it is being worked on is worked
on again. Failures back off from 1 s to 60 s with jitter, per key, until it succeeds. Knows nothing of what keys mean.

    add ──────> ready ──get──> in work ──done──> (again, if added meanwhile)
    add_after ─> later ─┘          └─ failed ─> later, with backoff
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class _Later:
    due: float
    handle: asyncio.TimerHandle


class WorkQueue(Generic[_Key]):
    """A queue of keys. Make it inside the running loop.

    Args:
        jitter: returns a factor for a backoff, about 1.
    """

    def __init__(self, jitter: Callable[[], float] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._jitter = jitter or (lambda: random.uniform(0.8, 1.2))
        self._ready: asyncio.Queue[_Key] = asyncio.Queue()
        self._waiting: dict[_Key, float] = {}
        self._in_work: dict[_Key, float] = {}
        self._again: set[_Key] = set()
        self._later: dict[_Key, _Later] = {}
        self._failures: dict[_Key, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_s(self) -> float:
        """How long the oldest key has waited or been in work, in seconds; 0 when there is none."""
        since = [*self._waiting.values(), *self._in_work.values()]
        return self._loop.time() - min(since) if since else 0.0

    def add(self, key: _Key) -> None:
        """Have a key worked on as soon as possible."""
        if later := self._later.pop(key, None):
            later.handle.cancel()
        if key in self._in_work:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = self._loop.time()
            self._ready.put_nowait(key)

    def add_after(self, key: _Key, delay_s: float) -> None:
        """Have a key worked on in a while; an earlier appointment stays."""
        due = self._loop.time() + delay_s
        known = self._later.get(key)
        if known is not None:
            if known.due <= due:
                return
            known.handle.cancel()
        self._later[key] = _Later(due, self._loop.call_at(due, self._due, key))

    async def get(self) -> _Key:
        """Take the next key into work."""
        key = await self._ready.get()
        self._waiting.pop(key, None)
        self._in_work[key] = self._loop.time()
        return key

    def done(self, key: _Key) -> None:
        """Say that a key was worked on well."""
        self._failures.pop(key, None)
        self._release(key)

    def failed(self, key: _Key, after_s: float | None = None) -> float:
        """Say that work on a key failed; return after how many seconds it comes again."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        backoff_s = min(FIRST_BACKOFF_S * 2.0 ** min(count, 16), LONGEST_BACKOFF_S) * self._jitter()
        delay_s = max(backoff_s, after_s or 0.0)
        again = key in self._again
        self._again.discard(key)
        self._release(key)
        self.add_after(key, min(delay_s, FIRST_BACKOFF_S) if again else delay_s)
        return delay_s

    def forget(self, key: _Key) -> None:
        """Drop what is remembered about a key that does not exist any more."""
        self._failures.pop(key, None)
        if later := self._later.pop(key, None):
            later.handle.cancel()

    def _release(self, key: _Key) -> None:
        self._in_work.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: _Key) -> None:
        self._later.pop(key, None)
        self.add(key)
