"""``python -m cluster``: bring a cluster up, say how to use it, take it down."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from cluster import teardown
from cluster.bring_up import SCRAPE_INTERVAL_S, bring_up, running_cluster
from cluster.failures import ClusterError
from cluster.images import PROJECT_IMAGE, load_project
from cluster.output import say
from cluster.places import all_running, cluster_places, default_name


def main() -> int:
    """Carry out one command; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("--name", default=default_name(), help="the cluster's name")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring the cluster up, or find it running")
    up.add_argument("--scrape-interval-s", type=float, default=SCRAPE_INTERVAL_S)
    up.set_defaults(run=_up)
    commands.add_parser("down", help="take the cluster down").set_defaults(run=_down)
    image = commands.add_parser(
        "image", help="build the project's image and load it into the cluster"
    )
    image.add_argument("--tag", default=PROJECT_IMAGE)
    image.set_defaults(run=_image)
    commands.add_parser("list", help="list the clusters of this machine").set_defaults(run=_list)
    options = parser.parse_args()
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (ClusterError, ValueError) as error:
        say(f"error: {error}")
        return 1
    return 0


def _up(options: argparse.Namespace) -> None:
    cluster = bring_up(cluster_places(options.name), interval_s=options.scrape_interval_s)
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    print(
        f'export PATH="{cluster.tools.paths["kubectl"].parent}:{cluster.tools.paths["helm"].parent}:$PATH"'
    )
    print(f"# Prometheus: {cluster.prometheus_url}")


def _down(options: argparse.Namespace) -> None:
    existed = teardown.take_down(cluster_places(options.name))
    say(f"cluster {options.name!r} " + ("is gone" if existed else "was not there"))


def _image(options: argparse.Namespace) -> None:
    cluster = running_cluster(cluster_places(options.name))
    if cluster is None:
        raise ClusterError(f"cluster {options.name!r} is not running: make cluster-up")
    load_project(cluster, options.tag)
    print(options.tag)


def _list(_: argparse.Namespace) -> None:
    for name in all_running():
        print(name)


if __name__ == "__main__":
    sys.exit(main())
