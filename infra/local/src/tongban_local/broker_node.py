"""One RabbitMQ node with an epmd of its own, as child processes, from Debian's package without its service.

Everything that the start script would take from /etc or /var is given by the environment; see the RabbitMQ guide
"Configuration", section "Environment Variables".
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika

from tongban_local.account import own, own_folder
from tongban_local.ports import free_port
from tongban_local.processes import Child, Command, plain_environ, wait_until

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PLUGINS = ("rabbitmq_auth_mechanism_ssl",)


@dataclass(frozen=True)
class CourierListener:
    """The one port that other districts reach: only client certificates of the courier authority get in."""

    port: int
    authority: Path
    certificate: Path
    key: Path


@dataclass
class Broker:
    """A RabbitMQ node whose files are all below `folder`, listening on `host` only."""

    folder: Path
    host: str
    port: int
    epmd_port: int
    dist_port: int
    name: str = "district"
    mark: Path | None = None  # the environment it belongs to, if that is not `folder`
    courier: CourierListener | None = None

    @classmethod
    def create(cls, folder: Path, host: str, *, name: str = "district", mark: Path | None = None) -> Broker:
        """A node on ports that are free now."""
        ports = free_port(host), free_port("127.0.0.1"), free_port("127.0.0.1")
        return cls(folder, host, *ports, name=name, mark=mark)

    def write(self, definitions: Mapping[str, Any]) -> None:
        """Writes what the node starts from; `definitions` are loaded again at every start."""
        own_folder(self.folder)
        for part in ("mnesia", "log", "config", "schema"):
            own_folder(self.folder / part)
        self._file(".erlang.cookie", secrets.token_hex(20), keep=True, mode=0o400)
        self._file("enabled_plugins", f"[{','.join(_PLUGINS)}].\n")
        self._file("definitions.json", json.dumps(definitions, indent=1, sort_keys=True))
        self._file("rabbitmq.conf", "".join(f"{key} = {value}\n" for key, value in self._configuration().items()))
        self._file("advanced.config", "[].\n")
        own(self.folder)

    def _file(self, name: str, text: str, *, keep: bool = False, mode: int = 0o600) -> None:
        path = self.folder / name
        if keep and path.exists():
            return
        path.write_text(text)
        path.chmod(mode)

    def _configuration(self) -> dict[str, object]:
        values: dict[str, object] = {
            "listeners.tcp.1": f"{self.host}:{self.port}",
            "load_definitions": self.folder / "definitions.json",
            "auth_mechanisms.1": "PLAIN",
            "log.file.level": "info",
            "log.console": "false",
            "heartbeat": 20,
            "vm_memory_high_watermark.absolute": "1GiB",
            "disk_free_limit.absolute": "200MB",
        }
        if self.courier is not None:
            values |= {
                "listeners.ssl.1": f"{self.host}:{self.courier.port}",
                "ssl_options.cacertfile": self.courier.authority,
                "ssl_options.certfile": self.courier.certificate,
                "ssl_options.keyfile": self.courier.key,
                "ssl_options.verify": "verify_peer",
                "ssl_options.fail_if_no_peer_cert": "true",
                "ssl_options.versions.1": "tlsv1.3",
                "ssl_options.versions.2": "tlsv1.2",
                "ssl_cert_login_from": "common_name",
                "auth_mechanisms.2": "EXTERNAL",
            }
        return values

    def environ(self) -> dict[str, str]:
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        settings = {
            "NODENAME": f"{self.name}@localhost",
            "NODE_IP_ADDRESS": self.host,
            "NODE_PORT": self.port,
            "DIST_PORT": self.dist_port,
            "MNESIA_BASE": self.folder / "mnesia",
            "LOG_BASE": self.folder / "log",
            "PID_FILE": self.folder / "pid",
            "ENABLED_PLUGINS_FILE": self.folder / "enabled_plugins",
            "CONFIG_FILE": self.folder / "rabbitmq.conf",
            "ADVANCED_CONFIG_FILE": self.folder / "advanced.config",
            "CONF_ENV_FILE": self.folder / "there-is-no-such-file",  # else /etc/rabbitmq is read
            "GENERATED_CONFIG_DIR": self.folder / "config",
            "SCHEMA_DIR": self.folder / "schema",
            "SERVER_ADDITIONAL_ERL_ARGS": loopback,
            "CTL_ERL_ARGS": loopback,
        }
        return {
            **plain_environ(self.folder, self.mark or self.folder),
            **{f"RABBITMQ_{key}": str(value) for key, value in settings.items()},
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Set by the script itself under systemd: it then becomes the node instead of waiting for it, so that the
            # process we started is the node, and one signal to it is a proper stop.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def commands(self) -> tuple[Command, Command]:
        """epmd, and the node, which waits for epmd (else Erlang would start a stray one of its own)."""
        environ = self.environ()
        names = f"epmd -port {self.epmd_port} -names"
        epmd = ("epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1", "-relaxed_command_check")
        node = f"until {names} >/dev/null 2>&1; do sleep 0.1; done; exec {_SERVER}"
        return (
            Command("epmd", epmd, environ, self.folder),
            Command("broker", ("/bin/sh", "-c", node), environ, self.folder, stop_wait_s=30),
        )

    def start(self) -> None:
        """Starts epmd and the node as children of this process; `wait_ready` tells when it can be used."""
        epmd, node = self.commands()
        self._epmd = Child(epmd, self.folder / "log" / "epmd.out")
        self._node = Child(node, self.folder / "log" / "broker.out")

    def wait_ready(self, user: str, password: str, vhost: str = "district", timeout_s: float = 180) -> None:
        """Returns once `user` can open a connection. Raises NotReady."""
        url = self.url(user, password, vhost)
        node = getattr(self, "_node", None)
        died = (lambda: node.returncode() is not None) if node else (lambda: False)
        wait_until(lambda: can_connect(url), f"RabbitMQ ({self.folder / 'log'})", timeout_s, died)

    def url(self, user: str, password: str, vhost: str = "district") -> str:
        return f"amqp://{user}:{password}@{self.host}:{self.port}/{vhost}"

    def stop(self) -> None:
        self._node.stop()
        self._epmd.stop()

    def kill(self) -> None:
        """As when the machine's out-of-memory killer takes the node: no goodbye to anyone."""
        self._node.kill()
        self._epmd.stop()

    def wipe(self) -> None:
        """Forgets every message, as after the loss of its disk. Only while it is stopped."""
        shutil.rmtree(self.folder / "mnesia", ignore_errors=True)
        own_folder(self.folder / "mnesia")


def can_connect(url: str) -> bool:
    """Whether the broker at `url` lets that user in."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 3
    try:
        pika.BlockingConnection(parameters).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True
