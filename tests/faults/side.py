"""One district of the rig: its services, its tables as their superuser sees them, its queues."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pika
import psycopg2
from tongban_local.installation import Installation

from tests.faults.service import Service

GUSU, HUANGPU = "320508", "310101"
#: What runs where. Huangpu's catalogue and identity are asked for nothing once its items are known in Gusu.
RUNNING: Mapping[str, Sequence[str]] = {
    GUSU: ("identity", "catalogue", "courier", "case_routing", "hotline", "notification"),
    HUANGPU: ("courier", "case_routing", "hotline"),
}


class Side:
    """One district of the rig."""

    def __init__(self, builds: Path, place: Installation) -> None:
        self.place, self.code = place, place.code
        self.services = {name: Service(builds, place, name) for name in RUNNING[place.code]}
        self._sessions: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    def rows(self, database: str, statement: str, *values: Any, patience_s: float = 60.0) -> list[tuple[Any, ...]]:
        """What a database answers its superuser; a server that restarts meanwhile is waited for."""
        until = time.monotonic() + patience_s
        while True:
            try:
                with self._session(database).cursor() as cursor:
                    cursor.execute(statement, values or None)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if (session := self._sessions.pop(database, None)) is not None:
                    with suppress(psycopg2.Error):
                        session.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def value(self, database: str, statement: str, *values: Any) -> Any:
        return self.rows(database, statement, *values)[0][0]

    def _session(self, database: str) -> Any:
        if database not in self._sessions:
            server = self.place.district.database
            where = {"host": server.host, "port": server.port, "user": "postgres", "password": server.password}
            session = psycopg2.connect(dbname=database, connect_timeout=5, **where)
            session.autocommit = True
            self._sessions[database] = session
        return self._sessions[database]

    @contextmanager
    def channel(self, user: str = "admin", vhost: str = "district") -> Iterator[Any]:
        """An AMQP channel with the rights of `user`."""
        district = self.place.district
        password = district.secrets.admin if user == "admin" else district.secrets.broker[user]
        connection = pika.BlockingConnection(pika.URLParameters(district.broker.url(user, password, vhost)))
        try:
            yield connection.channel()
        finally:
            with suppress(pika.exceptions.AMQPError):
                connection.close()

    def waiting(self) -> dict[str, int]:
        """What is still on its way: rows of outboxes, messages without a receipt, messages in queues that are read here."""
        found: dict[str, int] = {}
        for name in self.services:
            found[f"outbox of {name}"] = self.value(name, "SELECT count(*) FROM outbox WHERE confirmed_at IS NULL")
        found["sent without receipt"] = self.value("courier", "SELECT count(*) FROM sent WHERE settled_at IS NULL")
        with self.channel() as channel:
            for queue in self.queues():
                found[queue] = channel.queue_declare(queue, passive=True).method.message_count
        with self.channel(vhost="courier") as channel:
            found["courier.in"] = channel.queue_declare("courier.in", passive=True).method.message_count
        return {f"{self.code} {what}": n for what, n in found.items() if n}

    def queues(self) -> list[str]:
        """The queues of events that a process of this side reads, and the rungs."""
        bus = self.place.district.bus
        return [q for name in self.services for q in bus.event_queues(name)] + [f"retry.{s}s" for s in bus.retry_ladder]

    def parked(self, service: str, *, take: bool = False) -> list[tuple[dict[str, Any], bytes]]:
        """Headers and bodies of what is parked for a service."""
        with self.channel() as channel:
            found = iter(lambda: channel.basic_get(f"park.{service}", auto_ack=take), (None, None, None))
            return [(properties.headers or {}, body) for _, properties, body in found]

    def close(self) -> None:
        for session in self._sessions.values():
            with suppress(psycopg2.Error):
                session.close()
