"""What a run is: its number, its uid, its hash, and every name that follows from them. Pure.

Names are functions of (uid of the LoadTest, number of the run), so an operator that was killed finds what it made, and
a LoadTest that was deleted and made anew never meets the children of the old one. The uid of a run also covers
generation and hash: two operators that accept at once accept the same run.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "kload"
NAME_LABEL = "app.kubernetes.io/name"
RUNNER_NAME = "kload-runner"  # what the shipped scrape settings select
LOADTEST_LABEL = "kload.dev/loadtest"
LOADTEST_UID_LABEL = "kload.dev/loadtest-uid"
RUN_UID_LABEL = "kload.dev/run-uid"
RUN_NUMBER_LABEL = "kload.dev/run"
PART_LABEL = "kload.dev/part"  # description, result
INDEX_LABEL = "batch.kubernetes.io/job-completion-index"

_SPACE = uuid.UUID("7c1b9a52-5f0e-4a3e-9d51-1b8a0d9c5a11")  # our own; any fixed one does


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one LoadTest.

    Attributes:
        number: from 1, per LoadTest.
        uid: unique for ever; label `run_uid` of its series.
        run_id: what expressions see as `run.id`.
    """

    loadtest: str
    namespace: str
    loadtest_uid: str
    number: int
    uid: str
    run_id: str
    spec_hash: str
    generation: int

    @property
    def name(self) -> str:
        """Name of its Job and of the ConfigMap that describes it: at most 57 characters."""
        return f"{self.loadtest}-{self.number}-{short_hash(self.loadtest_uid)}"

    @property
    def result_name(self) -> str:
        """Name of the ConfigMap with its result document."""
        return f"{self.name}-result"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of everything that belongs to it."""
        return {
            MANAGED_BY: MANAGER,
            LOADTEST_LABEL: self.loadtest,
            LOADTEST_UID_LABEL: self.loadtest_uid,
            RUN_UID_LABEL: self.uid,
            RUN_NUMBER_LABEL: str(self.number),
        }

    @property
    def selector(self) -> str:
        """Label selector of its pods and its Job."""
        return f"{RUN_UID_LABEL}={self.uid}"


def short_hash(text: str) -> str:
    """Return six hex digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def run_uid(loadtest_uid: str, number: int, generation: int, spec_hash: str) -> str:
    """Return the uid of a run: the same for whoever accepts it."""
    return str(uuid.uuid5(_SPACE, f"{loadtest_uid}/{number}/{generation}/{spec_hash}"))


def needs_new_run(
    *, generation: int, spec_hash: str, last_generation: int | None, last_hash: str | None
) -> bool:
    """Tell whether a spec is a new run: it takes a new generation and a new hash.

    A re-apply has the old generation; suspend, TTL and deadlines give a new generation with the old hash; A → B → A
    differs from the run before it and is a third run.
    """
    if last_hash is None:
        return True
    return generation != last_generation and spec_hash != last_hash
