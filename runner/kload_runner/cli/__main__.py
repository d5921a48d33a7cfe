"""`python -m kload_runner.cli`: the same as `kload`."""

import sys

from kload_runner.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
