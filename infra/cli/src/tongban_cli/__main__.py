"""`python -m tongban_cli …`: see `tongban --help`."""

import sys

from tongban_cli.main import main

sys.exit(main())
