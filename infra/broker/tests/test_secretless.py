"""A chart's definitions hold no secret; with the secrets they are what the local runtime gives its broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tongban_broker.__main__ import main
from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts, definitions
from tongban_broker.secretless import CODE, for_chart, peer_rows, with_passwords

BUS = Bus.load()
PASSWORDS = {user: f"password-of-{user}" for user in BUS.users}


def test_with_the_passwords_they_are_the_local_runtimes_definitions() -> None:
    assert with_passwords(for_chart(BUS, ("310101",)), PASSWORDS.get) == definitions(
        BUS, Accounts(PASSWORDS, ("310101",))
    )


def test_a_peer_is_one_user_with_one_right() -> None:
    rows = peer_rows(BUS)
    assert set(rows) == {"users", "permissions"}
    assert [row["name"] for row in rows["users"]] == [f"courier.{CODE}"]
    assert [(row["vhost"], row["configure"], row["read"]) for row in rows["permissions"]] == [("courier", "^$", "^$")]


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """Definitions and passwords, as a pod sees them."""
    for user, password in PASSWORDS.items():
        (tmp_path / user).write_text(password + "\n")
    (tmp_path / "definitions.json").write_text(json.dumps(for_chart(BUS, ("310101",))))
    return tmp_path


def test_merging_writes_what_a_node_loads_for_its_owner_alone(mounted: Path) -> None:
    out = mounted / "out.json"
    environ = {"TONGBAN_BROKER_PASSWORDS": str(mounted)}
    assert main(["merge", str(mounted / "definitions.json"), str(out)], environ) == 0
    assert json.loads(out.read_text()) == definitions(BUS, Accounts(PASSWORDS, ("310101",)))
    assert out.stat().st_mode & 0o077 == 0


def test_a_missing_password_or_variable_is_named(mounted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mounted / "hotline").unlink()
    arguments = ["merge", str(mounted / "definitions.json"), str(mounted / "out.json")]
    assert main(arguments, {"TONGBAN_BROKER_PASSWORDS": str(mounted)}) == 2
    assert main(arguments, {}) == 2
    said = capsys.readouterr().err
    assert "no broker password for hotline" in said
    assert "TONGBAN_BROKER_PASSWORDS: is not set" in said
    assert not (mounted / "out.json").exists()
