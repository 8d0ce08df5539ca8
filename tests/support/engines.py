"""A district's engines for tests, on an address of their own, gone when the test run is gone however it ends."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import pika
from chassis.database import migrate
from chassis.sealed import TransitSeal
from tongban_broker.bus import Bus
from tongban_broker.definitions import queue_names
from tongban_database import roles
from tongban_local.account import own_folder
from tongban_local.checkout import linked
from tongban_local.district import District
from tongban_local.guard import Guard


def test_address() -> str:
    """A loopback address that neither `make up` nor another test run is likely to have."""
    return f"127.20.{random.randrange(100, 250)}.{random.randrange(2, 250)}"


@dataclass(frozen=True)
class ServiceDatabase:
    """A fresh, migrated database of one service: `url` as the service has it, `owner_url` as its migrations have it."""

    name: str
    url: str = field(repr=False)
    owner_url: str = field(repr=False)


class Engines:
    """One running broker and one running database cluster with a district's full rights."""

    def __init__(self, district: District) -> None:
        self.district = district
        self._templates: set[str] = set()
        self._made = 0

    @property
    def broker_url(self) -> str:
        """As `admin`, who may do everything: to look, to purge, to send what no service would."""
        return self.district.broker.url("admin", self.district.secrets.admin)

    def amqp_url(self, user: str) -> str:
        """As one service, with just its rights."""
        return self.district.amqp_url(user)

    @property
    def transit(self) -> TransitSeal:
        """What seals messages for and from other districts here, as every service process of this district has it."""
        return TransitSeal.of(self.district.secrets.transit_key)

    @property
    def trial_url(self) -> str:
        """As a stock nameko client."""
        return self.district.trial_url

    def fresh_database(self, service: str) -> ServiceDatabase:
        """A new empty database with the service's migrations applied (once a session; the rest are copies)."""
        template = f"{service}_template"
        if service not in self._templates:
            self.district.make_database(template, service)
            migrate(service, self.district.owner_url(service, template))
            self._templates.add(service)
        database = self._next(service)
        self.district.database.execute(
            f"{roles.create_statement(database, service)} TEMPLATE {template}",
            *roles.connect_statements(database, service),
        )
        return self._named(database, service)

    def empty_database(self, service: str) -> ServiceDatabase:
        """A new database with the roles of `service` and no tables."""
        database = self._next(service)
        self.district.make_database(database, service)
        return self._named(database, service)

    def _next(self, service: str) -> str:
        self._made += 1
        return f"{service}_{self._made}"

    def _named(self, database: str, service: str) -> ServiceDatabase:
        district = self.district
        return ServiceDatabase(database, district.runtime_url(service, database), district.owner_url(service, database))

    def queues(self) -> list[str]:
        """Every queue that the definitions declare in vhost `district`."""
        return queue_names(self.district.bus)

    @contextmanager
    def channel(self, url: str | None = None) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
        """An AMQP channel, as admin unless another account's `url` is given."""
        connection = pika.BlockingConnection(pika.URLParameters(url or self.broker_url))
        try:
            yield connection.channel()
        finally:
            with suppress(pika.exceptions.AMQPError):
                connection.close()

    def purge(self) -> None:
        """Empties every queue, so that a test sees only its own messages."""
        with self.channel() as channel:
            for queue in self.queues():
                channel.queue_purge(queue)

    def depth(self, queue: str) -> int:
        """How many messages wait in `queue`."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)


@contextmanager
def running_engines(bus: Bus | None = None, *, code: str = "320508", durable: bool = True) -> Iterator[Engines]:
    """Engines with the definitions of `bus` (the product's own unless a test brings another table)."""
    folder = own_folder(linked("tests") / secrets.token_hex(4))
    with ExitStack() as stack:
        stack.callback(Guard(folder).release)
        district = District(code, test_address(), folder / code, folder, bus or Bus.load(), admin=True, durable=durable)
        district.write_engines(databases="all")  # a test's databases have names of their own
        district.broker.start()
        stack.callback(district.broker.kill)  # nothing of it is kept, so nothing need be said goodbye to
        district.database.start()
        stack.callback(district.database.stop)
        district.wait_engines()
        district.make_roles()
        yield Engines(district)
