"""The command line of a demo server: ``serve`` (the default) and ``seed``.

Reads the environment and signals; what a server is and how it runs it leaves to `blueprint` and `serving`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from examples.targets.blueprint import Blueprint
from examples.targets.faults import UnknownFault
from examples.targets.serving import Options, new_event_loop, run_to_end, running, switched
from examples.targets.storage import open_database


def main(blueprint: Blueprint, argv: Sequence[str] | None = None) -> int:
    """Run the command line of a server: ``serve`` (the default) or ``seed``; returns the exit code."""
    arguments = _parser(blueprint).parse_args(argv)
    environment = {name: os.environ[name] for name in blueprint.environment if os.environ.get(name)}
    switches = [*filter(None, os.environ.get("TARGET_FAULTS", "").split(";")), *arguments.fault]
    options = Options(
        host=arguments.host,
        port=arguments.port,
        database=arguments.database,
        environment=environment,
        switches=tuple(switches),
        seed_size=arguments.size,
    )
    try:
        switched(blueprint, switches)
        if arguments.command == "seed":
            lines = asyncio.run(_seed(blueprint, options))
            print("\n".join(lines))
        else:
            with contextlib.suppress(KeyboardInterrupt):
                run_to_end(new_event_loop(), _serve_until_signal(blueprint, options))
    except (UnknownFault, ValueError, OSError, ImportError) as error:
        print(f"{blueprint.name}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(blueprint: Blueprint) -> argparse.ArgumentParser:
    variables = "\n".join(f"  {name}={value}" for name, value in blueprint.environment.items())
    switches = "\n".join(f"  {name}" for name in sorted(blueprint.faults))
    parser = argparse.ArgumentParser(
        prog=f"python -m examples.targets.{blueprint.name}",
        description=blueprint.summary,
        epilog=f"environment, with the defaults:\n{variables}\n\nfaults:\n{switches}\n\n"
        "A running server is switched by POST /_faults from its own machine.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("command", nargs="?", choices=("serve", "seed"), default="serve")
    add("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    add(
        "--port", type=int, default=blueprint.port, help="0 takes a free one (default: %(default)s)"
    )
    add(
        "--database",
        default=os.environ.get("TARGET_DATABASE_URL"),
        metavar="URL",
        help="sqlite:PATH or postgresql://...; without it a temporary SQLite file (TARGET_DATABASE_URL)",
    )
    add("--size", type=int, metavar="N", help=f"{blueprint.seed_unit} to seed")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=RATE]",
        help="break a rule (TARGET_FAULTS)",
    )
    return parser


async def _seed(blueprint: Blueprint, options: Options) -> list[str]:
    if options.database is None:
        raise ValueError("seed needs --database: without one a server keeps and seeds its own")
    database = await open_database(options.database)
    try:
        await database.prepare(blueprint.schema)
        size = blueprint.seed_size if options.seed_size is None else options.seed_size
        environment = {**blueprint.environment, **options.environment}
        return await blueprint.seed(database, environment, size)
    finally:
        await database.close()


async def _serve_until_signal(blueprint: Blueprint, options: Options) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C interrupts instead
            loop.add_signal_handler(name, stop.set)
    async with running(blueprint, options) as server:
        for line in server.seeded:
            print(line)
        print(f"{blueprint.name} listening on {server.url}", flush=True)
        await stop.wait()
