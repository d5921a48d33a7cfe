"""``python -m examples.targets.payments_platform``."""

import sys

from examples.targets.command import main
from examples.targets.payments_platform import PLATFORM

sys.exit(main(PLATFORM))
