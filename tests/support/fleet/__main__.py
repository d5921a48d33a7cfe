"""``python -m fleet``: play every runner whose pod is on a simulated node, until ended."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from cluster.api import Api

from fleet.keeper import Keeper
from fleet.manners import Manners


def main() -> None:
    """Read the options and keep the fleet."""
    parser = argparse.ArgumentParser(prog="python -m fleet", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--manners", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(Keeper(Api(options.kubeconfig), Manners(options.manners)).keep())


if __name__ == "__main__":
    main()
