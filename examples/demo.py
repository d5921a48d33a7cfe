"""`make demo`: starts the ticket shop on a free port of loopback, sends a short wave of guests, writes a report.

A process of its own for the shop, so that it and the load share no event loop. The test is the suite's own,
ticket-purchase, shortened by params; what is run is printed, so that it can be typed by hand.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from kload_runner.cli.main import main

ROOT = Path(__file__).parents[1]
SUITE = Path("examples", "tickets")
REPORT = Path("kload-demo-report.html")
SHORTENED = ("peak=40", "rampUp=5s", "hold=10s", "rampDown=4s", "pause=0.2s..0.8s")
LISTENING = "listening on "

NEXT = f"""
What next?
  {REPORT}         open it in a browser: the report of this run
  {SUITE.as_posix()}/README.md     the ticket shop's other tests, and how to see them fail
  kload new mytest.yaml          write a commented test to start from
  kload run URL --vus 10         test a service of your own, without a file
  kubectl apply -f mytest.yaml   run the same file in a cluster, see the README

Here kload is .venv/bin/kload; the README says how to install it into any project."""


def demo(params: Sequence[str] = SHORTENED) -> int:
    """Run the demo from the root of the repository; returns the exit code of the verdict."""
    with _shop() as url:
        print(f"the demo ticket shop listens at {url}")
        words = _words(url, params)
        print(f"$ kload {' '.join(words)}\n", flush=True)
        code = main(words)
    print(NEXT)
    return code


def _words(url: str, params: Sequence[str]) -> list[str]:
    """Return the command line of the run."""
    given = [word for param in params for word in ("-p", param)]
    return [
        *("run", "--env-file", str(SUITE / "demo.env")),
        *(str(SUITE / "kustomization.yaml"), str(SUITE / "ticket-purchase.yaml")),
        *("--target", url, *given, "--report", f"html={REPORT}"),
    ]


@contextlib.contextmanager
def _shop() -> Iterator[str]:
    """Run the shop; yield its URL. Ctrl-C is for the run: the shop has a session of its own and ends with it."""
    command = [sys.executable, "-m", "examples.targets.tickets", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as shop:
        try:
            yield _url(shop)
        finally:
            shop.terminate()


def _url(shop: subprocess.Popen[str]) -> str:
    assert shop.stdout is not None
    for line in shop.stdout:
        if LISTENING in line:
            return line.partition(LISTENING)[2].strip()
    raise SystemExit(f"the ticket shop ended before it listened, with exit code {shop.wait()}")


if __name__ == "__main__":
    sys.exit(demo())
