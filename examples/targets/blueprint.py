"""What a demo server is made of, as data: `serving` opens the database, seeds it and runs the routes and jobs.

Knows no particular server; each describes itself with one `Blueprint`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.storage import Database
from examples.targets.web import Route


@dataclass(frozen=True, slots=True)
class Parts:
    """What a server adds to the common machinery once its database is open."""

    routes: tuple[Route, ...]
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A demo server before it runs.

    Attributes:
        name: as in ``python -m examples.targets.NAME``.
        environment: the variables it reads, with their defaults (demo credentials).
        schema: SQL, see `storage`.
        build: makes routes and jobs over an open database.
        seed: writes what a run needs; repeatable, adds only what is missing. Returns lines to show.
        faults: the switches it has.
    """

    name: str
    summary: str
    port: int
    schema: str
    environment: Mapping[str, str]
    build: Callable[[Database, Faults, Mapping[str, str]], Parts]
    seed: Callable[[Database, Mapping[str, str], int], Awaitable[list[str]]]
    faults: frozenset[Fault]
    seed_size: int = 200
    seed_unit: str = "rows"
