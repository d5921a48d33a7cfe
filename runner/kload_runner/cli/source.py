"""From the words of the command line to a plan: files or a URL, patches, params, overrides.

Shared by `run` and `validate`, so that what is validated is what would run. Reads files; sends nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kload_runner.cli.environment import assignments
from kload_runner.cli.output import Refused
from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.plan import Plan

if TYPE_CHECKING:
    from kload_runner.cli.parser import Parser


@dataclass(frozen=True, slots=True)
class Source:
    """One LoadTest, ready to be run.

    Attributes:
        file: where it came from, for messages: a path, or the URL of a quick run.
        origin: what the plan was made from; worker processes make it again.
        base_dir: the folder that paths in the manifest are relative to.
    """

    file: str
    plan: Plan
    origin: PlanSource
    base_dir: Path


def add_options(parser: Parser) -> None:
    """Add the options that choose and change what is run."""
    add = parser.add_argument
    add(
        "what",
        nargs="+",
        metavar="FILE|URL",
        help="LoadTest manifests, or an http(s) URL for a quick test",
    )
    add = parser.add_argument_group("what is run").add_argument
    add("-p", "--param", action="append", default=[], metavar="NAME=VALUE", help="change a param")
    add("--target", metavar="URL", help="takes the place of target.baseURL")
    add(
        "--scenario", action="append", default=[], metavar="NAME", help="only this one (repeatable)"
    )
    merge = "merge this YAML over the manifest (JSON merge patch, as kustomize does; repeatable)"
    add("--patch", action="append", default=[], type=Path, metavar="FILE", help=merge)
    add = parser.add_argument_group(
        "quick run",
        "Every scenario becomes constant-vus from time 0; count thresholds are shown, not judged.",
    ).add_argument
    add("--vus", type=int, metavar="N")
    add("--duration", metavar="TIME", help="e.g. 30s, 2m")
    add("--iterations", type=int, metavar="N")


def sources(options: argparse.Namespace) -> Iterator[Source]:
    """Yield a source for each LoadTest named, in order; raise Refused at the first that cannot be run."""
    params = assignments(options.param, "-p")
    for what in options.what:
        if urlsplit(what).scheme in ("http", "https"):
            yield _source(what, _url_document(what), Path.cwd(), options, params)
        else:
            path = Path(what)
            for document in _documents(path, options.patch):
                yield _source(what, document, path.parent, options, params)
