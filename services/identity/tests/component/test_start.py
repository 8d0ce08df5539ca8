"""The web process as a process of its own: what it refuses to start with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from ..provider import FIELD_KEY, OLD, PORTAL

pytestmark = pytest.mark.engines


def written(value: object) -> str:
    """As an environment holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def start(provider, tmp_path, rows, **changes) -> subprocess.CompletedProcess:
    path = tmp_path / "parties.json"
    path.write_text(json.dumps(rows))
    told = asdict(provider.parts.settings) | {"relying_parties": path, "field_key": FIELD_KEY} | changes
    environ = {f"TONGBAN_{name.upper()}": written(value) for name, value in told.items() if value is not None}
    argv = [sys.executable, "-m", "identity.http"]
    return subprocess.run(argv, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"redirect_uris": ["http://portal.example/"]}, "'portal': redirect_uris must be absolute https URLs"),
        ({"scopes": ["openid", "identity"]}, "identity is for peers alone"),
        ({"id_token_alg": "RS256"}, "for which there is no signing key"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_relying_party_that_breaks_a_rule_stops_the_start_with_a_sentence(
    provider, tmp_path, changes, sentence
) -> None:
    done = start(provider, tmp_path, [OLD.row, PORTAL.row | changes])
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
