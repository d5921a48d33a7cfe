"""``python -m examples.targets.usage_billing``."""

import sys

from examples.targets.command import main
from examples.targets.usage_billing import ENGINE

sys.exit(main(ENGINE))
