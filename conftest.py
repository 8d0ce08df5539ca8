"""Every test can ask for the fixtures of tests/support: a real broker, a real database, a service as a process."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ("tests.support.fixtures",)

# How long an example takes says how busy the machine is, not whether a promise holds; and the same tests pass twice.
# New counter-examples are looked for with `--hypothesis-profile search`.
settings.register_profile("promises", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=5_000)
settings.load_profile("promises")
