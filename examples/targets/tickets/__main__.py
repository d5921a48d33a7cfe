"""``python -m examples.targets.tickets``."""

import sys

from examples.targets.command import main
from examples.targets.tickets import SHOP

sys.exit(main(SHOP))
