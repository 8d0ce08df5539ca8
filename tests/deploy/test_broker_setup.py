"""`broker.mode: external`: the set-up Job's command gives a running broker everything, and can be run again."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tongban_broker.__main__ import main
from tongban_broker.bus import Bus
from tongban_broker.definitions import hashed
from tongban_local import broker_node
from tongban_local.broker_node import Broker, can_connect
from tongban_local.checkout import linked
from tongban_local.ports import free_port

from tests.deploy.charts import EXTERNAL, GUSU, of_kind, render
from tests.support.calls import eventually

PASSWORDS = {user: f"password-of-{user}" for user in Bus.load().users}
HOST = "127.20.200.1"


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """The rendered definitions, and passwords, as the Job's pod sees them."""
    for user, password in PASSWORDS.items():
        (tmp_path / user).write_text(password + "\n")
    data = of_kind(render(GUSU, EXTERNAL), "ConfigMap")["definitions"]["data"]
    (tmp_path / "definitions.json").write_text(data["definitions.json"])
    return tmp_path


class Managed(Broker):
    """A node with the management API, as an operator's clusters have it."""

    management_port = 0

    def _configuration(self) -> dict[str, object]:
        api = {"management.tcp.ip": self.host, "management.tcp.port": self.management_port}
        return {**super()._configuration(), **api}


@contextmanager
def managed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Managed]:
    monkeypatch.setattr(broker_node, "_PLUGINS", (*broker_node._PLUGINS, "rabbitmq_management"))
    folder = linked("tests") / f"managed-{secrets.token_hex(4)}"
    broker = Managed.create(folder, HOST, name="managed")
    broker.management_port = free_port(HOST)
    user = {"name": "boss", "password_hash": hashed("boss", "boss"), "tags": ["administrator"], "limits": {}}
    rights = {"user": "boss", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    broker.write(
        {
            "vhosts": [{"name": "/"}],
            "users": [user | {"hashing_algorithm": "rabbit_password_hashing_sha256"}],
            "permissions": [rights],
        }
    )
    broker.start()
    try:
        broker.wait_ready("boss", "boss", "%2f")
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.engines
def test_a_running_broker_takes_them_over_its_management_api_and_again(
    mounted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with managed(monkeypatch) as broker:
        environ: dict[str, Any] = {
            "TONGBAN_BROKER_PASSWORDS": str(mounted),
            "TONGBAN_MANAGEMENT_URL": f"http://{broker.host}:{broker.management_port}",
            "TONGBAN_MANAGEMENT_USER": "boss",
            "TONGBAN_MANAGEMENT_PASSWORD": "boss",
        }
        arguments = ["apply", str(mounted / "definitions.json"), "--wait", "60"]
        assert main(arguments, environ) == 0, capsys.readouterr().err
        eventually(lambda: can_connect(broker.url("hotline", PASSWORDS["hotline"])), 30)
        assert not can_connect(broker.url("hotline", "another"))
        (mounted / "hotline").write_text("another")
        assert main(arguments, environ) == 0
        eventually(lambda: can_connect(broker.url("hotline", "another")), 30)
        assert main(arguments, {**environ, "TONGBAN_MANAGEMENT_PASSWORD": "wrong"}) == 1
        assert "the broker answered 401" in capsys.readouterr().err
