"""From the words of the command line to a plan: files or a URL, patches, params, overrides.

Shared by `run` and `validate`, so that what is validated is what would run. Reads files; sends nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kload_runner.cli.environment import assignments
from kload_runner.cli.kustomization import Listed, chosen, lister
from kload_runner.cli.output import Refused
from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.loading import Document, is_loadtest, load_text, patched, read_documents
from kload_spec.plan import Plan
from kload_spec.planning import plan_of

if TYPE_CHECKING:
    from kload_runner.cli.parser import Parser


QUICK_VUS, QUICK_DURATION = 1, "10s"  # of `kload run URL` without --vus or --duration

_K6_SCRIPT = (
    "a k6 script cannot be run as it is; docs/from-k6.md shows how to write it as a LoadTest"
)
_SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        ".js": _K6_SCRIPT,
        ".ts": _K6_SCRIPT,
        ".mjs": _K6_SCRIPT,
        ".py": "a script is named by a manifest: spec.script, docs/scripts.md; for a locustfile docs/from-locust.md",
    }
)


@dataclass(frozen=True, slots=True)
class Source:
    """One LoadTest, ready to be run.

    Attributes:
        file: where it came from, for messages: a path, or the URL of a quick run.
        origin: what the plan was made from; worker processes make it again.
        base_dir: the folder that paths in the manifest are relative to.
        document: what was read, which knows the lines.
    """

    file: str
    plan: Plan
    origin: PlanSource
    base_dir: Path
    document: Document

    def refused(self, error: InvalidSpec) -> Refused:
        """Return what is wrong with it, with lines."""
        return Refused.invalid(self.document.located(error), self.file)


@dataclass(frozen=True, slots=True)
class Entry:
    """A word of the command line: a file or URL, with the patches that a kustomization has for it."""

    what: str
    listed: Listed


def add_options(parser: Parser) -> None:
    """Add the options that choose and change what is run."""
    add = parser.add_argument
    add(
        "what",
        nargs="+",
        metavar="FILE|URL",
        help="LoadTest manifests, with a kustomization that patches them or without; or an http(s) URL",
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
    found = 0
    for entry in entries(options):
        for source in sources_of(entry, options):
            found += 1
            yield source
    if not found:
        raise Refused.because(
            f"no LoadTest in {', '.join(options.what)}; `kload new FILE` writes one"
        )


def entries(options: argparse.Namespace) -> list[Entry]:
    """Return what is named: URLs, then files, with the patches that a kustomization among them has for each.

    Raises:
        Refused: a kustomization cannot be read.
    """
    words = [word for word in options.what if _is_url(word)]
    files = [Path(word) for word in options.what if not _is_url(word)]
    found = [Entry(word, Listed(Path(word))) for word in words]
    return found + [Entry(str(item.file), item) for item in chosen(files, _first_document)]


def sources_of(entry: Entry, options: argparse.Namespace) -> Iterator[Source]:
    """Yield a source for each LoadTest of one file; raise Refused at the first that cannot be run."""
    try:
        yield from _sources_of(entry, options)
    except Refused as refused:
        if refused.source and not entry.listed.rules and not options.patch:
            refused.hint = _hint(Path(entry.what))
        raise


def _hint(file: Path) -> str:
    """Say so if a kustomization has patches for a file that was named without it."""
    path = lister(file, _first_document)
    if path is None:
        return ""
    beside = os.path.relpath(path)
    return f"{beside} patches this file; name it too: kload run {beside} {file}"


def _sources_of(entry: Entry, options: argparse.Namespace) -> Iterator[Source]:
    params = assignments(options.param, "-p")
    for document, base_dir in _documents(entry.what, entry.listed.named):
        paths = [*entry.listed.patches(document.value), *options.patch]
        patches = [patch for path in paths for patch in _read(path, read_documents)]
        yield _source(_with_patches(document, patches), base_dir, options, params)


def _is_url(word: str) -> bool:
    return urlsplit(word).scheme in ("http", "https")


def _first_document(path: Path) -> Mapping[str, Any]:
    documents = _read(path, read_documents)
    return documents[0].value if documents else {}


def _documents(what: str, named: bool) -> Iterator[tuple[Document, Path]]:
    if _is_url(what):
        yield Document(_quick_test(what), what), Path.cwd()
        return
    path = Path(what)
    if not named and not any(is_loadtest(item.value) for item in _read(path, read_documents)):
        return  # a Deployment, a Service ...: kubectl's business
    documents = _read(path, load_text)
    if not documents:
        print(f"kload: {what} holds no LoadTest, passed over", file=sys.stderr)
    for document in documents:
        yield document, path.parent


def _read(path: Path, load: Callable[[str, str], tuple[Document, ...]]) -> tuple[Document, ...]:
    if path.suffix in _SCRIPTS:
        raise Refused.because(f"{path}: {_SCRIPTS[path.suffix]}")
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        hint = f"; a URL begins with http://: http://{path}" if _is_address(str(path)) else ""
        raise Refused.because(f"{path}: {error.strerror}{hint}") from error
    except UnicodeDecodeError as error:
        raise Refused.because(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start})"
        ) from error
    except InvalidSpec as error:
        raise Refused.invalid(error, str(path)) from error


def _is_address(word: str) -> bool:
    """Tell whether a word that names no file was meant as a URL without its scheme."""
    address = r"(localhost|\d+(\.\d+){3}|\[[\da-f:]+\]|[\w.-]+(?=:\d))(:\d+)?(/|$)"
    return re.match(address, word) is not None


def _with_patches(document: Document, patches: Sequence[Document]) -> Document:
    for patch in patches:
        try:
            document = patched(document, patch)
        except InvalidSpec as error:
            raise Refused.invalid(error, patch.source) from error
    return document


def _source(
    document: Document, base_dir: Path, options: argparse.Namespace, params: Mapping[str, str]
) -> Source:
    origin = PlanSource(
        document=dict(document.value),
        params=dict(params),
        target=options.target,
        scenarios=tuple(options.scenario),
        vus=options.vus,
        duration=options.duration,
        iterations=options.iterations,
    )
    try:
        return Source(document.source, plan_of(origin), origin, base_dir, document)
    except InvalidSpec as error:
        raise Refused.invalid(document.located(error), document.source) from error


def _quick_test(url: str) -> Mapping[str, Any]:
    """Make the LoadTest of `kload run URL`: one GET per iteration; the load is that of --vus, --duration,
    --iterations.
    """
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    text = (path or "/").replace("$(", "$$(")  # a URL is no template
    return {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "quick"},
        "spec": {
            "target": {"baseURL": f"{parts.scheme}://{parts.netloc}"},
            "scenarios": {
                "quick": {
                    "executor": "constant-vus",
                    "vus": QUICK_VUS,
                    "duration": QUICK_DURATION,
                    "steps": [{"name": "get", "get": text}],
                }
            },
        },
    }
