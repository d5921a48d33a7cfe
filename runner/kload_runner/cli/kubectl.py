"""How commands reach a cluster: through kubectl, so that the user's contexts, plugins and proxies work here as they do
there. Knows LoadTests as JSON; what a command wants of them is its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from kload_runner.cli.output import Refused

KIND = "loadtests.kload.dev"
KUBECTL_TIMEOUT = "20s"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which LoadTest, in which cluster."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-n", "--namespace")
    parser.add_argument("--context", help="kubeconfig context")
    parser.add_argument("--kubeconfig", metavar="FILE")


def require_kubectl(command: str) -> None:
    """Refuse where there is no kubectl.

    Raises:
        Refused: it is not on the PATH.
    """
    if not shutil.which("kubectl"):
        raise Refused.because(
            f"kload {command} asks through kubectl, which is not on the PATH; install it"
        )


def read_load_test(options: argparse.Namespace) -> Mapping[str, Any]:
    """Return the LoadTest that the options name.

    Raises:
        Refused: kubectl does not say.
    """
    found: Mapping[str, Any] = json.loads(
        _kubectl(options, "get", KIND, options.name, "-o", "json")
    )
    return found


def annotate(options: argparse.Namespace, key: str, value: str) -> None:
    """Set an annotation of the LoadTest that the options name.

    Raises:
        Refused: kubectl does not do it.
    """
    _kubectl(options, "annotate", KIND, options.name, f"{key}={value}", "--overwrite")


def _kubectl(options: argparse.Namespace, *arguments: str) -> str:
    command = ["kubectl", *arguments, f"--request-timeout={KUBECTL_TIMEOUT}"]
    for option in ("namespace", "context", "kubeconfig"):
        value = getattr(options, option)
        if value:
            command.append(f"--{option}={value}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused.because(
            done.stderr.strip() or f"kubectl ended with {done.returncode}", exit_code=1
        )
    return done.stdout
