"""`kload demo`: a first run that needs nothing else: starts the bundled shop on loopback, loads it, writes a report.

The shop runs in a process of its own and ends with the command.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from kload_runner.cli import run
from kload_runner.cli.output import Refused
from kload_runner.cli.parser import add_command, new_parser, port_number
from kload_runner.demo import shop

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands

START_TIMEOUT_S = 20  # s; the shop is a small Python process
REPORT = Path("kload-demo-report.html")


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "demo", demo, "load a small bundled shop: a first run that needs nothing else"
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="run this manifest (the bundled quickstart)"
    )
    parser.add_argument(
        "--serve", action="store_true", help="only start the shop, and keep it until Ctrl-C"
    )
    parser.add_argument(
        "--port", type=port_number, default=0, metavar="N", help="port of the shop (any free one)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="with --serve: where the shop listens; 0.0.0.0 in a pod (127.0.0.1)",
    )


def demo(options: argparse.Namespace) -> int:
    """Run the quickstart against the bundled shop, and say what to do next."""
    if options.serve:
        return _serve_until_interrupted(options.host, options.port)
    manifest = options.file or str(files("kload_runner.demo").joinpath("quickstart.yaml"))
    with _shop(options.port) as url:
        print(f"the demo shop listens at {url}")
        print(f"$ kload run {manifest} --target {url} --report html={REPORT}\n")
        code = _run([manifest, "--target", url, "--report", f"html={REPORT}"])
    print(NEXT.format(report=REPORT))
    return code


NEXT = """
What next?
  {report}         open it in a browser: the report of this run
  kload new mytest.yaml          write a commented test to start from
  kload run URL --vus 10         test a service of your own, without a file
  kubectl apply -f mytest.yaml   run the same file in a cluster, see the README
"""


def _run(words: Sequence[str]) -> int:
    """Run with the words of a command line, as a user would."""
    parser, commands = new_parser("", epilog="", version="")
    run.add_to(commands)
    options = parser.parse_words(["run", *words])
    return int(options.command(options))


def _serve_until_interrupted(host: str, port: int) -> int:
    async def serve() -> None:
        server = await _start(host, port)
        print(
            f"the demo shop listens at http://{host}:{shop.port_of(server)}; Ctrl-C ends it",
            flush=True,
        )
        async with server:
            await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
    return 0


async def _start(host: str, port: int) -> asyncio.Server:
    try:
        return await shop.start(port, host)
    except OSError as error:
        raise Refused.because(f"--port {port}: {error.strerror}; choose another one") from error


@contextlib.contextmanager
def _shop(port: int) -> Iterator[str]:
    """Run the shop in a process of its own; yield its URL."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(port, there), daemon=True)
    process.start()
    there.close()  # so that the end of the process is the end of the pipe
    try:
        if not here.poll(START_TIMEOUT_S):
            raise Refused.because(
                f"the demo shop did not start within {START_TIMEOUT_S} s", exit_code=1
            )
        try:
            answer = here.recv()
        except EOFError:
            raise Refused.because("the demo shop ended at once", exit_code=1) from None
        if isinstance(answer, str):
            raise Refused.because(f"--port {port}: {answer}; choose another one")
        yield f"http://127.0.0.1:{answer}"
    finally:
        process.terminate()
        process.join()


def _serve(port: int, parent: Connection) -> None:
    """Serve in a child process: tell the parent the port (or the error), then until terminated."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run; the parent ends us

    async def serve() -> None:
        try:
            server = await shop.start(port)
        except OSError as error:
            parent.send(str(error.strerror))
            return
        parent.send(shop.port_of(server))
        async with server:
            await server.serve_forever()

    asyncio.run(serve())
