"""One district's place on this machine: its address, engines, secrets and keys, and what a service process is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tongban_broker.bus import Bus
from tongban_broker.definitions import definitions
from tongban_database import roles

from tongban_local.account import keep_file, own, own_folder
from tongban_local.checkout import code
from tongban_local.engines import Broker, CourierListener, Postgres
from tongban_local.keys import Secrets, okp_key, write_key_set
from tongban_local.ports import free_port, is_free
from tongban_local.processes import plain_environ

#: Erlang's own ports are on 127.0.0.1, whatever the district's address.
_EVERYWHERE = ("epmd", "broker_dist")


@dataclass
class District:
    """Everything of it is below `folder`; `mark` is the folder of the environment that it belongs to."""

    code: str
    host: str
    folder: Path
    mark: Path
    bus: Bus = field(default_factory=Bus.load)
    trial: bool = True
    admin: bool = False
    durable: bool = True
    peers: tuple[str, ...] = ()
    courier: CourierListener | None = None

    def __post_init__(self) -> None:
        own_folder(self.folder)
        self.keys = self.folder / "keys"
        self.keys.mkdir(exist_ok=True)
        self.secrets = Secrets.kept(self.folder / "secrets.json", self.bus)
        self._ports_file = self.folder / "ports.json"
        self.ports: dict[str, int] = json.loads(self._ports_file.read_text()) if self._ports_file.exists() else {}
        self._make_engines()
        self.edge_key = okp_key(self.keys / "edge.jwk")
        self.edge_keys = write_key_set(self.keys / "edge.jwks", self.edge_key)
        own(self.folder / "secrets.json", self.keys)

    def _make_engines(self) -> None:
        port, epmd, dist = (self.port(name) for name in ("broker", "epmd", "broker_dist"))
        self.broker = Broker(self.folder / "broker", self.host, port, epmd, dist, f"d{self.code}", self.mark)
        self.database = Postgres(self.folder / "database", self.host, self.port("database"), self.mark, self.durable)

    def port(self, name: str) -> int:
        """The port of one listener of this district: free when it is first asked for, the same ever after."""
        if name not in self.ports:
            self.ports[name] = free_port(self.host, *(["127.0.0.1"] if name in _EVERYWHERE else []))
            keep_file(self._ports_file, json.dumps(self.ports, indent=1, sort_keys=True))
        return self.ports[name]

    def renew_ports(self) -> None:
        """Chooses again what somebody else took while nothing of this district ran."""
        taken = [name for name, port in self.ports.items() if not is_free(port, self.host, "127.0.0.1")]
        for name in taken:
            del self.ports[name]
        self._make_engines()

    @property
    def owners(self) -> tuple[str, ...]:
        """Everything that has a database of its own."""
        return roles.owners(self.bus.servers)

    def address(self, name: str) -> str:
        """host:port of one listener."""
        return f"{self.host}:{self.port(name)}"

    def write_engines(self, databases: str | None = None) -> None:
        """Writes what broker and database start from. `databases`: which each role may name, its own by default."""
        accounts = self.secrets.accounts(self.peers, trial=self.trial, admin=self.admin)
        self.broker.courier = self.courier
        self.broker.write(definitions(self.bus, accounts))
        self.database.write(roles.access_lines(self.owners, databases=databases))

    def wait_engines(self) -> None:
        """Returns once broker and database let services in."""
        self.database.wait_ready()
        self.broker.wait_ready("monitor", self.secrets.monitor)

    def make_roles(self) -> None:
        """The database roles, with the passwords of `secrets`."""
        self.database.execute(*roles.role_statements(self.secrets.database))

    def make_databases(self) -> None:
        """Each service's database, unless it is there."""
        existing = self.database.databases()
        for service in self.owners:
            if service not in existing:
                self.make_database(service, service)

    def make_database(self, name: str, service: str) -> None:
        self.database.execute(roles.create_statement(name, service), *roles.connect_statements(name, service))
        self.database.execute(*roles.schema_statements(service), database=name)

    def amqp_url(self, user: str) -> str:
        """Vhost `district` as one service sees it."""
        return self.broker.url(user, self.secrets.broker[user])

    @property
    def trial_url(self) -> str:
        return self.broker.url("trial", self.secrets.trial)

    @property
    def monitor_url(self) -> str:
        return self.broker.url("monitor", self.secrets.monitor)

    def runtime_url(self, service: str, database: str | None = None) -> str:
        """The database as the running service sees it: rows only."""
        password = self.secrets.database[service].runtime
        return self.database.url(database or service, roles.runtime_role(service), password)

    def owner_url(self, service: str, database: str | None = None) -> str:
        """The database as its migrations see it."""
        return self.database.url(database or service, roles.owner_role(service), self.secrets.database[service].owner)

    def process_environ(self, home: Path | None = None) -> dict[str, str]:
        """What every process of ours inherits here, service or not."""
        return {**plain_environ(home or self.folder, self.mark), **code().environ(), "EVENTLET_NO_GREENDNS": "yes"}

    def service_environ(self, service: str, *, health: str = "") -> dict[str, str]:
        """The settings that every service process has (chassis.process.ChassisSettings)."""
        settings = {
            "DISTRICT": self.code,
            "SERVICE_NAME": service,
            "FIELD_KEY": self.secrets.field_keys[service],
            "EDGE_KEYS": str(self.edge_keys),
            "TRIAL": "true" if self.trial else "false",
            "HEALTH_ADDRESS": health or f"{self.host}:0",
        }
        if service in self.bus.users:
            settings["AMQP_URL"] = self.amqp_url(service)
        if service in self.bus.servers:
            settings["TRANSIT_KEY"] = self.secrets.transit_key
        if service in self.owners:
            settings["DATABASE_URL"] = self.runtime_url(service)
        return {**self.process_environ(), **{f"TONGBAN_{key}": value for key, value in settings.items()}}
