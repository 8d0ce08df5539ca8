"""Two districts with real engines, TLS between them, and nothing in them but a courier each: for the component tests."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pika
import psycopg2
from chassis import outbox
from chassis.database import migrate
from chassis.outbox import ID, TYPE
from chassis.sealed import TransitSeal
from chassis.wire import SEALED
from google.protobuf.message import Message
from tongban_local.account import own, own_folder, popen_identity
from tongban_local.checkout import code, linked
from tongban_local.districts import chosen
from tongban_local.guard import Guard
from tongban_local.installation import Installation
from tongban_local.processes import Child, Command, wait_until
from tongban_local.programs import service_environ
from tongban_local.trust import Trust

from tests.support.freeze import freeze
from tests.support.samples import sample

#: Short enough for a test to see what takes minutes in the field.
CANARY_S = 1
QUICK = {"TONGBAN_COURIER_CANARY_S": str(CANARY_S), "TONGBAN_COURIER_RETRY_S": "1", "TONGBAN_COURIER_NO_CANARY_S": "4"}
#: The largest body: small enough to go beyond it in a test.
BODY_LIMIT = 4 * 1024 * 1024
QUICK["TONGBAN_COURIER_BODY_LIMIT"] = str(BODY_LIMIT)


@dataclass
class Side:
    """One district: its engines and its courier."""

    place: Installation
    environ: dict[str, str]
    changed: bool = False
    _inbox: set[tuple[str, str]] = field(default_factory=set)
    _child: Child | None = None
    _seqs: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.place.code

    # The process --------------------------------------------------------------------------------------------------------

    def start(self, **extra: str) -> None:
        """Starts the courier and waits until it is ready."""
        argv = (str(code().python), "-m", "courier")
        self._child = Child(Command("courier", argv, {**self.environ, **extra}, self.place.folder), self.log)
        self.changed = bool(extra)
        self.wait_ready()

    def wait_ready(self) -> None:
        child = self._child
        assert child is not None
        try:
            wait_until(self.ready, f"courier of {self.code} ({self.log})", 90, lambda: child.returncode() is not None)
        except Exception as error:
            error.add_note(self.log.read_text()[-4000:])
            raise

    def ready(self) -> bool:
        with suppress(OSError):
            address = self.place.district.address("courier_health")
            return urllib.request.urlopen(f"http://{address}/readyz", timeout=2).status == 200
        return False

    def sample(self, metric: str, /, **labels: str) -> float:
        """What its page of metrics says now."""
        address = self.place.district.address("courier_health")
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as page:
            return sample(page.read().decode(), metric, **labels)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """Stops its clockwork without ending it (SIGSTOP)."""
        assert self._child is not None
        self.changed = True
        freeze(self._child.pid)

    @property
    def dead(self) -> bool:
        return self._child is None or self._child.returncode() is not None

    @property
    def log(self) -> Path:
        return self.place.log("courier")

    def command(self, *args: str, given: str = "") -> dict[str, Any]:
        """`python -m courier …`; what it prints."""
        done = subprocess.run(
            [str(code().python), "-m", "courier", *args], env=self.environ, input=given, cwd="/", check=False,
            capture_output=True, text=True, timeout=60, **popen_identity(),
        )  # fmt: skip
        assert done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    # The services around it -----------------------------------------------------------------------------------------------

    @contextmanager
    def channel(self, user: str = "") -> Iterator[Any]:
        district = self.place.district
        url = district.amqp_url(user) if user else district.broker.url("admin", district.secrets.admin)
        connection = pika.BlockingConnection(pika.URLParameters(url))
        try:
            yield connection.channel()
        finally:
            with suppress(pika.exceptions.AMQPError):
                connection.close()

    def hand_over(self, messages: Sequence[dict[str, Any]]) -> None:
        """Publishes to the courier as services' relays do; see `message`."""
        with self.channel(messages[0]["service"]) as channel:
            channel.confirm_delivery()
            for one in messages:
                headers = one["headers"]
                body = self.transit.seal(one["body"], id=headers[ID], type=headers[TYPE])
                properties = pika.BasicProperties(
                    headers=headers, user_id=one["service"], delivery_mode=2, content_type=SEALED
                )
                channel.basic_publish("courier.outbound", one["key"], body, properties, mandatory=True)

    def message(
        self,
        content: Message,
        *,
        target: str,
        subject: str,
        opens: str = "",
        id: UUID | None = None,
        seq: int | None = None,
        answers_to: UUID | None = None,
        valid_until: datetime | None = None,
    ) -> dict[str, Any]:
        """A message to a district, with the next count of its target and subject unless `seq` is given."""
        service = content.DESCRIPTOR.full_name.split(".")[1]
        if seq is None:
            seq = self._seqs[target, subject] = self._seqs.get((target, subject), 0) + 1
        headers: dict[str, Any] = {
            outbox.ID: str(id or uuid4()),
            outbox.SOURCE: service,
            outbox.TYPE: content.DESCRIPTOR.full_name,
            outbox.SUBJECT: subject,
            outbox.TARGET: target,
            outbox.SUBJECT_SEQ: seq,
        }
        optional = {
            outbox.OPENS: opens,
            outbox.ANSWERS_TO: str(answers_to or ""),
            outbox.VALID_UNTIL: outbox.rfc3339(valid_until) if valid_until else "",
        }
        headers |= {name: value for name, value in optional.items() if value}
        key = f"{service}.{content.DESCRIPTOR.name}"
        return {"service": service, "headers": headers, "key": key, "body": content.SerializeToString()}

    def handed_on(self, queue: str) -> list[tuple[dict[str, Any], bytes]]:
        """Takes everything out of a handler's queue, each event once as behind the handler's inbox: (headers, body)."""
        found = []
        with self.channel() as channel:
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                key = (queue, got[1].headers[outbox.ID])
                if key not in self._inbox:
                    self._inbox.add(key)
                    found.append((got[1].headers, self._opened(got[1].headers, got[2])))
        return found

    def _opened(self, headers: Mapping[str, Any], body: bytes) -> bytes:
        """As a handler has it: what came from another district is sealed on its way through ours."""
        if outbox.DISTRICT not in headers:
            return body
        return self.transit.open(body, id=headers[ID], type=headers[TYPE])

    @property
    def transit(self) -> TransitSeal:
        return TransitSeal.of(self.place.district.secrets.transit_key)

    def forget_inboxes(self) -> None:
        """As if the handlers' databases were restored too."""
        self._inbox.clear()

    def arrived(self, *, take: bool = False) -> list[bytes]:
        """What lies in the queue that peers write to, while the courier is not there to read it."""
        url = self.place.district.broker.url("admin", self.place.district.secrets.admin, "courier")
        connection = pika.BlockingConnection(pika.URLParameters(url))
        try:
            channel = connection.channel()
            return [body for _, _, body in iter(lambda: channel.basic_get("courier.in", take), (None, None, None))]
        finally:
            connection.close()

    def drop_arrived(self) -> int:
        """Loses it."""
        return len(self.arrived(take=True))

    # Its books --------------------------------------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the courier's database answers."""
        database = self.place.district.database
        where = {"host": database.host, "port": database.port, "user": "postgres", "password": database.password}
        with closing(psycopg2.connect(dbname="courier", **where)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def backup(self) -> None:
        """Copies the courier's database; nothing may be connected to it."""
        self._as_superuser("DROP DATABASE IF EXISTS courier_backup", "CREATE DATABASE courier_backup TEMPLATE courier")

    def restore(self) -> None:
        """Puts the copy in the database's place."""
        self._as_superuser(
            "DROP DATABASE courier", "CREATE DATABASE courier TEMPLATE courier_backup OWNER courier_owner"
        )
        self.place.district.database.execute(
            "REVOKE ALL ON DATABASE courier FROM PUBLIC",
            "GRANT CONNECT ON DATABASE courier TO courier_owner, courier_app",
        )

    def _as_superuser(self, *statements: str) -> None:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'courier%'"
        self.place.district.database.execute(ended, *statements)

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]


class Pair:
    """The districts of a test, by code."""

    def __init__(self, folder: Path, codes: Sequence[str], stack: ExitStack, offset: int) -> None:
        self.folder = folder
        facts = chosen(codes)
        places = [Installation(folder, one, f"127.20.{one.n + offset}.1", admin=True) for one in facts]
        self.trust = Trust(folder)
        self.trust.sign(places)
        for place in places:
            place.district.write_engines()
            place.district.broker.start()
            stack.callback(place.district.broker.kill)
            place.district.database.start()
            stack.callback(place.district.database.stop)
        self.sides = {place.code: Side(place, {**service_environ(place, "courier"), **QUICK}) for place in places}
        for side in self.sides.values():
            side.environ.pop("TONGBAN_OTLP_ENDPOINT", None)
            self._prepare(side)
            stack.callback(side.kill)

    def __getitem__(self, code: str) -> Side:
        return self.sides[code]

    def _prepare(self, side: Side) -> None:
        district = side.place.district
        district.database.wait_ready()
        district.make_roles()
        district.make_database("courier", "courier")
        migrate("courier", district.owner_url("courier"))
        self.install_trust(side)
        district.wait_engines()

    def install_trust(self, side: Side) -> None:
        assert side.command("install-registry", given=self.trust.registry.read_text())["installed"]
        for path in self.trust.agreements_of(side.code):
            assert side.command("install-agreement", given=path.read_text())["installed"]

    def start(self) -> None:
        for side in self.sides.values():
            side.start()


@contextmanager
def running_pair(codes: Sequence[str] = ("320508", "310101")) -> Iterator[Pair]:
    """Engines up, trust installed, couriers not started yet; everything ends with the block."""
    folder = own_folder(linked("tests") / secrets.token_hex(4))
    with ExitStack() as stack:
        stack.callback(Guard(folder).release)
        pair = Pair(folder, codes, stack, 10 * random.randrange(1, 9))
        own(folder / "alliance")
        yield pair


def eventually(condition: Callable[[], Any], timeout_s: float = 20, what: str = "") -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, what or "it never came true"
        time.sleep(0.05)
    return value
