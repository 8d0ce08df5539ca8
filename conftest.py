"""Every test can ask for the fixtures of tests/support: a real broker, a real database, a service as a process."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ("tests.support.fixtures",)
