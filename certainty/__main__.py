"""`python -m certainty`: the command line."""

import sys

from certainty.cli import main

sys.exit(main())
