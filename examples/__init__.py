"""Example suites, and the demo servers they load; importable from the root of the repository, never installed."""
