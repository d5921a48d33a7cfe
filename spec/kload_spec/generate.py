"""Write what is generated from the models: the CRD, the schemas, the reference page. `python -m
kload_spec.generate [--check] [FOLDER]`.

The only module of the package that touches files, and only as a program. With `--check` nothing is written: it says
which files are stale and exits 1, which is what `make verify` runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from typing_extensions import override

from kload_spec.crd import custom_resource_definition, editor_schema
from kload_spec.dashboard import dashboard
from kload_spec.reference import reference_page
from kload_spec.result import result_json_schema

HEADER = "# Generated from spec/kload_spec/model by `make generate`; do not edit.\n"


QUICKSTART = "examples/quickstart.yaml"  # the one that people edit; the package carries a copy for `kload demo`


def generated_files(folder: str = ".") -> Mapping[str, str]:
    """Return the text of every generated file by its path below the project's folder."""
    crd = custom_resource_definition()
    definition = HEADER + _as_yaml(crd)
    graphs = _as_json(dashboard())
    return {
        "deploy/crds/loadtests.kload.dev.yaml": definition,
        "charts/kload/files/loadtests.kload.dev.yaml": definition,
        "deploy/grafana/kload-run.json": graphs,
        "charts/kload/files/kload-run.json": graphs,
        "schemas/loadtest.schema.json": _as_json(editor_schema()),
        "schemas/kload-result.schema.json": _as_json(result_json_schema()),
        "docs/reference.md": reference_page(
            crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        ),
        "runner/kload_runner/demo/quickstart.yaml": _read(f"{folder}/{QUICKSTART}") or "",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with `--check` compare them."""
    parser = argparse.ArgumentParser(prog="python -m kload_spec.generate", description=__doc__)
    parser.add_argument("folder", nargs="?", default=".", help="the project's folder")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a file is stale"
    )
    options = parser.parse_args(arguments)
    stale = []
    for path, text in generated_files(options.folder).items():
        file = f"{options.folder}/{path}"
        if _read(file) == text:
            continue
        stale.append(path)
        if not options.check:
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
    if options.check and stale:
        print(
            f"stale: {', '.join(stale)}; run `make generate` and commit the result", file=sys.stderr
        )
        return 1
    for path in stale:
        print(f"wrote {path}")
    return 0


def _read(file: str) -> str | None:
    try:
        with open(file, encoding="utf-8") as stored:
            return stored.read()
    except FileNotFoundError:
        return None


class _Dumper(yaml.SafeDumper):
    """Writes every value where it stands: aliases are hard to read, and some tools cannot."""

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def _as_yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
