"""`kload schema`: prints the JSON schema of a LoadTest, for editors that complete and check YAML as it is typed."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from kload_runner.cli.parser import add_command
from kload_spec.crd import editor_schema

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "schema", schema, "print the JSON schema of a LoadTest, for an editor")


def schema(options: argparse.Namespace) -> int:
    """Print the schema; that of this version, so that it never differs from what `validate` says."""
    print(json.dumps(editor_schema(), indent=2, ensure_ascii=False))
    return 0
