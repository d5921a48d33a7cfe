"""The one exception of the package: what went wrong, said in a way that can be acted on."""

from __future__ import annotations


class ClusterError(Exception):
    """A cluster could not be had, reached or taken down; the text says what and what would help."""


class Unavailable(ClusterError):
    """This machine cannot hold a cluster at all (not root, not Linux, no Go); one line."""
