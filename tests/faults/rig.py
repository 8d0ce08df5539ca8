"""Two districts for trials: engines, services and the road between them, each of which a trial may harm by itself.

Everything is a child of this process on loopback addresses of its own, found and ended with it (tongban_local.guard).
No supervisor: a trial decides when what it killed comes back. The gateways are left out; the client of the trials calls
the services as the gateway does, with its rights.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pika
import psycopg2
from courier.domain.registry import Member
from tongban_local.account import own, own_folder
from tongban_local.checkout import code, linked
from tongban_local.districts import chosen
from tongban_local.guard import Guard
from tongban_local.installation import Installation
from tongban_local.prepare import import_samples, prepare_databases
from tongban_local.processes import Child, Command, NotReady, wait_until
from tongban_local.programs import is_ready, programs, service_environ
from tongban_local.trust import Trust
from tongban_local.trust_install import install_trust

from tests.faults.road import Road
from tests.support.freeze import freeze

GUSU, HUANGPU = "320508", "310101"
#: What runs where. Huangpu's catalogue and identity are asked for nothing once its items are known in Gusu.
RUNNING: Mapping[str, Sequence[str]] = {
    GUSU: ("identity", "catalogue", "courier", "case_routing", "hotline", "notification"),
    HUANGPU: ("courier", "case_routing", "hotline"),
}
#: Shorter than in the field, so that a trial ends in seconds. Every rung of the ladder is the one of a second.
QUICK = {
    "TONGBAN_COURIER_CANARY_S": "5",
    "TONGBAN_COURIER_RETRY_S": "1",
    "TONGBAN_COURIER_NO_CANARY_S": "30",
    "TONGBAN_RETRY_LADDER": "1,1,1,1",
    "TONGBAN_OTLP_ENDPOINT": "",
}
BUILDS = Path(__file__).parent / "builds"
READY_S = 120.0


class Service:
    """One service process of one district."""

    def __init__(self, rig: Rig, place: Installation, name: str) -> None:
        self.rig, self.place, self.name = rig, place, name
        self._child: Child | None = None
        self._build: tuple[tuple[str, ...], dict[str, str]] = ((), {})
        self._frozen = False

    def launch(self, *removed: str, **environ: str) -> Service:
        """Starts it and returns at once. `removed`: protections that this build lacks (builds/removals.py)."""
        told = {**service_environ(self.place, self.name), **QUICK, **environ}
        module = (str(self.rig.builds / "run.py"), self.name, *removed) if removed else ("-m", self.name)
        argv = (str(code().python), *module)
        self._child = Child(Command(self.name, argv, told, self.place.folder, stop_wait_s=30), self.log)
        self._build, self._frozen = (removed, environ), False
        return self

    def start(self, *removed: str, **environ: str) -> Service:
        """Starts it and returns once it is ready."""
        self.launch(*removed, **environ)
        self.wait_ready()
        return self

    def again(self) -> Service:
        """Starts the build that ran last; returns at once."""
        removed, environ = self._build
        return self.launch(*removed, **environ)

    def be(self, *removed: str, **environ: str) -> Service:
        """Runs that build from now on, as soon as `wait_ready` returns; nothing happens where it does already."""
        if self.dead or self._build != (removed, environ):
            self.stop()
            self.launch(*removed, **environ)
        self.thaw()
        return self

    def wait_ready(self) -> None:
        what = f"{self.name} of {self.place.code} ({self.log})"
        try:
            wait_until(lambda: is_ready(self.place, self.name), what, READY_S, lambda: self.dead)
        except NotReady as error:
            error.add_note(self.log.read_text(errors="replace")[-3000:])
            raise

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        if self._child is not None:
            self.thaw()
            self._child.stop()

    def freeze(self) -> None:
        freeze(self.pid)
        self._frozen = True

    def thaw(self) -> None:
        if self._frozen and not self.dead:
            os.kill(self.pid, signal.SIGCONT)
        self._frozen = False

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def dead(self) -> bool:
        return self._child is None or self._child.returncode() is not None

    @property
    def log(self) -> Path:
        return self.place.log(self.name)


class Side:
    """One district of the rig."""

    def __init__(self, rig: Rig, place: Installation) -> None:
        self.rig, self.place, self.code = rig, place, place.code
        self.services = {name: Service(rig, place, name) for name in RUNNING[place.code]}
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


class RoadTrust(Trust):
    """The registry names the roads, not the listeners behind them."""

    def __init__(self, folder: Path, roads: Mapping[str, Road]) -> None:
        super().__init__(folder)
        self._roads = roads

    def _member(self, place: Installation, now: datetime) -> Member:
        return replace(super()._member(place, now), broker=self._roads[place.code].address)


@dataclass
class Rig:
    """Both districts, running."""

    folder: Path
    stack: ExitStack
    report: Callable[[str], None]
    sides: dict[str, Side] = field(default_factory=dict)
    roads: dict[str, Road] = field(default_factory=dict)

    @property
    def here(self) -> Side:
        """Gusu, where people ask."""
        return self.sides[GUSU]

    @property
    def there(self) -> Side:
        """Huangpu, which is handed what they ask."""
        return self.sides[HUANGPU]

    @property
    def builds(self) -> Path:
        return self.folder / "builds"

    def up(self) -> None:
        """Everything, once."""
        shutil.copytree(BUILDS, self.builds, ignore=shutil.ignore_patterns("__pycache__"))
        own(self.builds)
        offset = 10 * random.randrange(1, 9)
        facts = chosen((GUSU, HUANGPU))
        places = [Installation(self.folder, one, f"127.20.{one.n + offset}.1", admin=True) for one in facts]
        self.report("certificates, keys, engines")
        for place in places:
            self._begin(place)
        self.trust = RoadTrust(self.folder, self.roads)
        self.trust.sign(places)
        own(self.folder / "alliance")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._prepare, self.sides.values()))
        self.report("services")
        self._introduce()
        self.as_usual()
        self.report("ready")

    def _begin(self, place: Installation) -> None:
        district, stack = place.district, self.stack
        road = self.roads[place.code] = Road(place.host, district.port("courier")).start()
        stack.callback(road.stop)
        district.write_engines()
        district.broker.start()
        stack.callback(district.broker.kill)
        district.database.start()
        stack.callback(district.database.stop)
        side = self.sides[place.code] = Side(self, place)
        stack.callback(side.close)
        mail = next(program.command for program in programs(place) if program.command.name == "mail")
        sink = Child(mail, place.log("mail"))
        stack.callback(sink.stop)
        for service in side.services.values():
            stack.callback(service.kill)

    def _prepare(self, side: Side) -> None:
        prepare_databases(side.place)
        install_trust(side.place, self.trust)
        import_samples(side.place)
        side.place.district.wait_engines()

    def _introduce(self) -> None:
        """Huangpu's catalogue tells Gusu's what it offers; then it is not needed any more."""
        teller = Service(self, self.there.place, "catalogue")
        self.stack.callback(teller.kill)
        started = [
            teller,
            *(side[name] for side in self.sides.values() for name in ("courier",)),
            self.here["catalogue"],
        ]
        for service in started:
            service.launch()
        known = "SELECT count(*) FROM items WHERE handling_district = %s"
        for service in started:
            service.wait_ready()
        wait_until(lambda: self.here.value("catalogue", known, HUANGPU) > 0, "Huangpu's items in Gusu", READY_S)
        time.sleep(1)
        teller.stop()
        for service in started[1:]:
            service.stop()

    # Between trials -----------------------------------------------------------------------------------------------------

    def as_usual(self) -> None:
        """Whatever was done to it: engines up, roads open, every service the product's own build, ready."""
        self._mend()
        for service in self.services:
            service.be()
        self.wait_ready()

    def revive(self) -> None:
        """What a trial left dead or stopped runs again, each in the build that it had."""
        self._mend()
        for service in self.services:
            if service.dead:
                service.again()
            service.thaw()
        self.wait_ready()

    def _mend(self) -> None:
        for road in self.roads.values():
            road.mend()
        for side in self.sides.values():
            side.place.district.wait_engines()

    @property
    def services(self) -> list[Service]:
        return [service for side in self.sides.values() for service in side.services.values()]

    def wait_ready(self) -> None:
        """Returns once every service is ready."""
        for service in self.services:
            service.wait_ready()

    def waiting(self) -> dict[str, int]:
        """What is still on its way in both districts."""
        return {what: n for side in self.sides.values() for what, n in side.waiting().items()}

    def quiet(self, timeout_s: float = 90.0) -> dict[str, int]:
        """Waits until nothing is on its way any more; returns what still is after `timeout_s`."""
        until = time.monotonic() + timeout_s
        while waiting := self.waiting():
            if time.monotonic() > until:
                return waiting
            time.sleep(0.15)
        return {}

    def forget_the_settled(self) -> None:
        """Drops outbox rows of earlier trials, as their seventh day would: a wiped broker gets back what is of this trial."""
        for side in self.sides.values():
            for name in side.services:
                side.rows(name, "DELETE FROM outbox WHERE confirmed_at IS NOT NULL")

    def end_mail_leases(self) -> None:
        """As if the ten minutes were over for which a killed process has mails to itself."""
        self.here.rows("notification", "UPDATE deliveries SET due_at = now() WHERE state = 'waiting'")


@contextmanager
def running_rig(report: Callable[[str], None] = lambda _: None) -> Iterator[Rig]:
    """Two districts, up; everything of them ends with the block, or with this process however that ends."""
    folder = own_folder(linked("tests") / f"faults-{secrets.token_hex(3)}")
    with ExitStack() as stack:
        stack.callback(Guard(folder).release)
        rig = Rig(folder, stack, report)
        rig.up()
        yield rig
