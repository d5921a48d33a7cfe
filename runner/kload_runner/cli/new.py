"""`kload new`: writes a commented LoadTest to start from. Never overwrites a file."""

from __future__ import annotations

import argparse
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kload_runner.cli.output import Refused
from kload_runner.cli.parser import add_command

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands

DEFAULT_TARGET = "http://127.0.0.1:8080"


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "new", new, "write a commented LoadTest to start from")
    parser.add_argument("file", nargs="?", type=Path, default=Path("loadtest.yaml"), metavar="FILE")
    parser.add_argument(
        "--target",
        default=DEFAULT_TARGET,
        metavar="URL",
        help=f"the target's base URL ({DEFAULT_TARGET})",
    )


def new(options: argparse.Namespace) -> int:
    """Write the file and say what to do with it."""
    file: Path = options.file
    parts = urlsplit(options.target)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or set(options.target) & set(" #\"'")
    ):
        raise Refused.because(
            f"--target {options.target}: no base URL; write e.g. {DEFAULT_TARGET}"
        )
    text = files("kload_runner.cli").joinpath("new.yaml").read_text(encoding="utf-8")
    text = text.replace("NAME", _name_for(file)).replace("TARGET", options.target)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise Refused.because(
            f"{file} exists; kload new does not overwrite: name another file"
        ) from None
    except OSError as error:
        raise Refused.because(f"{file}: {error.strerror}") from error
    print(f"wrote {file}\n\n  kload validate {file}\n  kload run {file}\n  kubectl apply -f {file}")
    return 0


def _name_for(file: Path) -> str:
    """Make a LoadTest's name of a file's: lower-case letters, digits and dashes, at most 40."""
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:40].strip("-")
    return name or "loadtest"
