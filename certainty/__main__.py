"""Run the command line with `python -m certainty`."""

import sys

from certainty.cli import main

sys.exit(main())
