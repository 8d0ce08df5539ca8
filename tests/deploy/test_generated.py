"""What the chart holds of other tables agrees with them, and with what the local runtime gives its broker."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts, definitions
from tongban_broker.secretless import NoPassword, with_passwords
from tongban_cli import main as cli
from tongban_cli.chart_values import ValuesError, read, schema
from tongban_cli.commands.chart import generated
from tongban_local import checkout
from tongban_local.districts import known_districts, linked_to

from tests.deploy.charts import CHART, CODES, EXTERNAL, GUSU, of_kind, render

BUS = Bus.load()
PASSWORDS = {user: f"password-of-{user}" for user in BUS.users}


def test_nothing_generated_has_drifted() -> None:
    stale = [path.name for path, text in generated(CHART).items() if path.read_text() != text]
    assert stale == [], "run: tongban chart"


def test_the_check_names_what_has_drifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(CHART, tmp_path / "charts" / "district")
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    assert cli.main(["chart", "--check"]) == 0
    path = tmp_path / "charts" / "district" / "files" / "database" / "pg_hba.conf"
    path.write_text(path.read_text() + "host all all all trust\n")
    assert cli.main(["chart", "--check"]) == 1
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "charts/district/files/database/pg_hba.conf no longer agrees with what it is made from: tongban chart"
    ]


def by_name(made: dict) -> dict:
    """The definitions without the order of their rows."""
    return {kind: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)) for kind, rows in made.items()}


@pytest.mark.parametrize("overlay", [{}, EXTERNAL], ids=["embedded", "external"])
@pytest.mark.parametrize("code", CODES)
def test_a_districts_broker_holds_what_the_local_runtime_would_give_it(code: str, overlay: dict) -> None:
    maps = of_kind(render(code, overlay), "ConfigMap")
    rendered = json.loads(maps["definitions" if overlay else "broker"]["data"]["definitions.json"])
    local = definitions(BUS, Accounts(PASSWORDS, linked_to(known_districts()[code])))
    assert by_name(with_passwords(rendered, PASSWORDS.get)) == by_name(local)


def test_the_definitions_hold_no_hash_of_a_password() -> None:
    rendered = json.loads(of_kind(render(), "ConfigMap")["broker"]["data"]["definitions.json"])
    assert {row["name"] for row in rendered["users"] if "password_hash" not in row} == set(BUS.users)
    assert {row.get("password_hash", "") for row in rendered["users"]} == {""}


def test_a_service_without_a_password_is_named() -> None:
    rendered = json.loads(of_kind(render(), "ConfigMap")["broker"]["data"]["definitions.json"])
    with pytest.raises(NoPassword, match="case_routing, hotline"):
        with_passwords(rendered, {**PASSWORDS, "hotline": "", "case_routing": ""}.get)


def test_a_suspended_peer_keeps_its_user_and_loses_its_right() -> None:
    peers = [{"code": "310101", "suspended": True}]
    rendered = json.loads(of_kind(render(GUSU, {"peers": peers}), "ConfigMap")["broker"]["data"]["definitions.json"])
    (row,) = (row for row in rendered["permissions"] if row["user"] == "courier.310101")
    assert {row["configure"], row["write"], row["read"]} == {"^$"}
    assert "courier.310101" in {user["name"] for user in rendered["users"]}


def test_every_mapping_of_the_values_refuses_what_it_does_not_know() -> None:
    """But for the few that hold names which only the district knows."""
    made = schema(read((CHART / "values.yaml").read_text()))
    free = []

    def walk(part: dict, path: str) -> None:
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            free.append(path)
        for name, child in part.get("properties", {}).items():
            walk(child, f"{path}.{name}")

    walk(made, "")
    for name, part in made["$defs"].items():
        walk(part, name)
    labels = {
        "podAnnotations",
        "podLabels",
        "serviceAccountAnnotations",
        "nodeSelector",
        "annotations",
        "affinity",
        "settings",
    }
    raw = {"requests", "limits", "ipBlock", "namespaceSelector", "podSelector"}
    assert {path.rpartition(".")[2] for path in free} == labels | raw


def test_a_value_that_says_nothing_about_its_shape_is_refused_by_the_generator() -> None:
    with pytest.raises(ValuesError, match=r"a\.b: an empty mapping"):
        schema(read("a:\n  b: {}\nserviceDefaults:\n  x: 1\n"))
    with pytest.raises(ValuesError, match="a: has no default"):
        schema(read("a:\nserviceDefaults:\n  x: 1\n"))
