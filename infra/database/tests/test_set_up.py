"""The set-up Job's command: what it asks for is named when it is missing, and nobody is let in too early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tongban_database import __main__ as command
from tongban_database.roles import Credentials


def test_a_role_may_log_in_only_when_its_database_and_its_rights_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that came in between would make tables that the service may not read."""
    said: list[str] = []

    def run(_url: str, database: str | None, statements: list[str]) -> list[Any]:
        said.extend(f"{database}: {statement}" for statement in statements)
        return []

    monkeypatch.setattr(command, "_run", run)
    assert command.set_up("", {"hotline": Credentials("o", "r"), "courier": Credentials("o", "r")}) == [
        "hotline",
        "courier",
    ]
    logins = [number for number, statement in enumerate(said) if " LOGIN " in statement]
    rights = [number for number, statement in enumerate(said) if "DEFAULT PRIVILEGES" in statement]
    created = [number for number, statement in enumerate(said) if "CREATE DATABASE" in statement]
    assert len(logins) == 4
    assert min(logins) > max(*rights, *created)


def test_a_missing_password_is_named_before_anything_is_asked_of_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hotline_owner").write_text("x")
    environ = {
        "TONGBAN_ADMIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
        "TONGBAN_DATABASE_PASSWORDS": str(tmp_path),
    }
    assert command.main(["hotline", "--wait", "0"], environ) == 1
    assert "no password for the database role hotline_app" in capsys.readouterr().err


def test_a_missing_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["hotline"], {}) == 2
    assert "TONGBAN_ADMIN_DATABASE_URL: is not set" in capsys.readouterr().err


def test_a_database_that_does_not_come_ends_it_without_telling_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for role in ("owner", "app"):
        (tmp_path / f"hotline_{role}").write_text("x")
    environ = {
        "TONGBAN_ADMIN_DATABASE_URL": "postgresql://postgres:top-secret@127.0.0.1:1/postgres",
        "TONGBAN_DATABASE_PASSWORDS": str(tmp_path),
    }
    assert command.main(["hotline", "--wait", "0"], environ) == 1
    said = capsys.readouterr().err
    assert "let nobody in for 0 s" in said
    assert "top-secret" not in said
