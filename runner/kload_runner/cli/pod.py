"""`kload pod`: what the container of a runner pod runs. People never type it."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from kload_runner.cli.parser import add_command

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "pod", _pod, "be a runner in a pod: the container's command")


def _pod(options: argparse.Namespace) -> int:
    from kload_runner.pod import run_pod  # late: no other command needs it

    return run_pod(os.environ)
