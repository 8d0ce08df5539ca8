"""What the rows of whole districts share: two of them with every process real, applicants, an item, quiet between runs."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pika
from chassis.sealed import FieldKeys
from stdnum.cn.ric import calc_check_digit
from tongban_broker.definitions import queue_names
from tongban_broker.rights import COURIER_VHOST
from tongban_cli.client import Person
from tongban_local.environment import Environment
from tongban_local.installation import Installation
from tongban_local.programs import write_environ

from tests.bench.by_hand import session
from tests.bench.line import Line
from tests.support.calls import eventually
from tests.support.environments import running_environment

GUSU, HUANGPU = "320508", "310101"
#: Applicants, each on a connection of their own.
PEOPLE = 8
_OPEN = {
    "courier": "SELECT count(*) FROM due",
    "notification": "SELECT count(*) FROM deliveries WHERE state = 'waiting'",
}


@dataclass
class Grounds:
    """Two districts, and what is asked of them again and again."""

    environment: Environment
    applicants: Sequence[Person]

    @property
    def a(self) -> Installation:
        return self.environment[GUSU]

    @property
    def b(self) -> Installation:
        return self.environment[HUANGPU]

    @property
    def places(self) -> tuple[Installation, Installation]:
        return self.a, self.b

    def application(self, handling: str) -> dict[str, Any]:
        """A complete application for the first item that `handling` decides, as Gusu's catalogue has it."""
        asked = self.applicants[0]
        [item] = eventually(lambda: asked.get("/v1/items", handling_district=handling, size=1)["items"], 60)
        content = base64.b64encode("样例材料".encode()).decode()
        wanted = [material["key"] for material in item["materials"] if material["required"]]
        materials = [{"key": k, "name": f"{k}.txt", "media_type": "text/plain", "content": content} for k in wanted]
        return {"item_code": item["code"], "materials": materials}

    def tokens(self) -> list[str]:
        """Of every applicant; they live ten minutes."""
        return [applicant.token() for applicant in self.applicants]

    def line(self, handling: str) -> Line:
        """The driver that applies at Gusu's gateway for what `handling` decides."""
        district = self.a.district
        options = {
            "host": self.a.host,
            "port": district.port("gateway"),
            "authority": str(self.a.authority),
            "application": self.application(handling),
            "tokens": self.tokens(),
            "cases": district.runtime_url("case_routing"),
            "courier": district.runtime_url("courier"),
        }
        return Line("tests.bench.drivers.applicants", options)

    # Quiet ------------------------------------------------------------------------------------------------------------

    def quiet(self, timeout_s: float = 180) -> None:
        """Returns once nothing waits in any outbox, queue, link or mailbox of either district: the next way has the machine."""
        until = time.monotonic() + timeout_s
        calm = 0
        while calm < 2:
            waiting = {place.code: self._waiting(place) for place in self.places}
            calm = 0 if any(map(len, waiting.values())) else calm + 1
            if time.monotonic() > until:
                raise RuntimeError(f"it did not become quiet: {waiting}")
            time.sleep(0.3)

    @staticmethod
    def _waiting(place: Installation) -> dict[str, int]:
        found = {}
        for service in place.district.bus.servers:
            connection = session(place.district.runtime_url(service))
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM outbox WHERE confirmed_at IS NULL")
                found[f"outbox of {service}"] = cursor.fetchone()[0]
                if service in _OPEN:
                    cursor.execute(_OPEN[service])
                    found[f"open in {service}"] = cursor.fetchone()[0]
            connection.close()
        for vhost in ("district", COURIER_VHOST):
            found |= _depths(place, vhost)
        return {what: count for what, count in found.items() if count}

    def commits(self) -> dict[str, int]:
        """So far in both districts: ours, and by hand in floors' databases; a backend tells them within seconds."""
        found = {"ours": 0, "floor": 0}
        for place in self.places:
            connection = session(superuser_url(place, "postgres"))
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT datname LIKE 'floor%', sum(xact_commit)::bigint FROM pg_stat_database"
                    " WHERE datname NOT IN ('postgres', 'template0', 'template1') GROUP BY 1"
                )
                for by_hand, count in cursor:
                    found["floor" if by_hand else "ours"] += count
            connection.close()
        return found

    # Other settings ---------------------------------------------------------------------------------------------------

    def restart(self, told: Mapping[str, Mapping[str, str]]) -> None:
        """Restarts these processes of both districts, each with these variables and no others beside its usual ones."""
        for place in self.places:
            for name, more in told.items():
                write_environ(place, name, more)
            self.environment.supervisor.stop_processes(place.code, list(told))
        for place in self.places:
            self.environment.supervisor.start_processes(place.code, list(told))
        for place in self.places:
            for name in told:
                self.environment.wait_process(place.code, name)

    # For floors -------------------------------------------------------------------------------------------------------

    @staticmethod
    def floor_database(place: Installation, service: str) -> str:
        """URL of an empty database with the tables of `service`, for the superuser: the rights of roles cost nothing here."""
        from chassis.database import migrate

        name = f"floor_{service}"
        url = superuser_url(place, name)
        if name not in place.district.database.databases():
            place.district.database.execute(f"CREATE DATABASE {name}")
            migrate(service, url)
        return url

    @staticmethod
    def amqp(place: Installation, vhost: str = "district") -> str:
        return place.district.broker.url("admin", place.district.secrets.admin, vhost)


def superuser_url(place: Installation, database: str) -> str:
    return place.district.database.url(database, "postgres", place.district.database.password)


def _depths(place: Installation, vhost: str) -> dict[str, int]:
    district = place.district
    connection = pika.BlockingConnection(pika.URLParameters(Grounds.amqp(place, vhost)))
    channel = connection.channel()
    names = [name for name in queue_names(district.bus, vhost) if name.startswith(("evt.", "retry.", "courier."))]
    depths = {name: channel.queue_declare(name, passive=True).method.message_count for name in names}
    connection.close()
    return depths


@contextmanager
def two_districts() -> Iterator[Grounds]:
    """Gusu and Huangpu, ready, with several people of Gusu signed in; gone afterwards."""
    with running_environment([GUSU, HUANGPU]) as environment, ExitStack() as stack:
        place = environment[GUSU]
        password = place.district.secrets.people["citizen"]
        logins = _load_people(place, password)
        person = (place.gateway, place.issuer, place.authority)
        grounds = Grounds(environment, [stack.enter_context(Person(*person, login, password)) for login in logins])
        grounds.quiet()
        yield grounds


def _load_people(place: Installation, password: str) -> list[str]:
    """Sample people beside the one that every district has; nobody of them exists."""
    from identity.domain.model import Account, AccountKind, Assurance, Role
    from identity.domain.model import Person as Sample
    from identity.loading import Settings
    from identity.samples import load

    district = place.district
    accounts = []
    for number in range(PEOPLE):
        digits = f"11010118800102{number:03d}"
        about = Sample("样例居民", digits + calc_check_digit(digits + "0"), "bench@sample.example", "", "zh-Hans")
        login, roles = f"bench-{number}", frozenset({Role.CITIZEN})
        subject = f"bench-{number}-{place.code}"
        accounts.append(Account(subject, login, AccountKind.PERSON, roles, Assurance("L4"), about))
    settings = Settings(
        database_url=district.runtime_url("identity"), field_key=FieldKeys.of(district.secrets.field_keys["identity"])
    )
    load(settings, accounts, {account.login: password for account in accounts})
    return [account.login for account in accounts]
