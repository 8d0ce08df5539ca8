"""The walk-through of the root README is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess

from tests.architecture.conftest import ROOT
from tests.federation.conftest import GUSU


def test_the_curl_walk_through_of_the_readme_works_as_it_stands(environment, foreign_item) -> None:
    section = (ROOT / "README.md").read_text().split("## Walk through with curl", 1)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block is not None
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block[1]],
        cwd=ROOT,
        env={**os.environ, "TONGBAN_ENV": str(environment.folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f'"intake_district": "{GUSU}"' in done.stdout
    assert '"event": "submitted"' in done.stdout
