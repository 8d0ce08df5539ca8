"""What a person has told is read in no table, log, span or queue's name of either district, from the application to the end of the case."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx
import psycopg2
import pytest
from identity.samples import read_samples
from psycopg2 import sql
from tongban_broker.rights import COURIER_VHOST, VHOST
from tongban_cli.client import Person
from tongban_local.account import popen_identity
from tongban_local.environment import Environment
from tongban_local.installation import Installation

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.federation.test_a_case_crosses import arrived, closed
from tests.support.calls import eventually

#: The sample citizen, from the data file: who applies.
CITIZEN = next(sample.person for sample in read_samples() if sample.login == "citizen")
#: Somebody who makes an account: the samples have no telephone.
REGISTERED = {
    "login": "at.rest",
    "password": "a long enough password",
    "name": "测样欧阳居民",
    "id_number": "110101188001010038",
    "phone": "13800138000",
    "email": "reached.at@rest.example",
    "language": "zh-Hans",
}
#: What the material says: nothing else in the product does.
MATERIAL = "我家住在平江路的一段话"


def tables(place: Installation) -> Iterator[tuple[Any, str]]:
    """Every table of every service, with a cursor on its database."""
    for service in place.district.bus.servers:
        url = place.district.owner_url(service).replace("+psycopg2", "")
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            for (table,) in cursor.fetchall():
                yield cursor, table


def in_tables(place: Installation, text: str) -> set[str]:
    """The tables with a row in which `text` stands, as text or as octets."""
    found = set()
    for cursor, table in tables(place):
        # A row as text shows octets in hexadecimal.
        look = sql.SQL("SELECT count(*) FROM {0} AS t WHERE t::text LIKE %s OR t::text LIKE %s").format(
            sql.Identifier(table)
        )
        cursor.execute(look, (f"%{text}%", f"%{text.encode().hex()}%"))
        if cursor.fetchone()[0]:
            found.add(table)
    return found


def spellings(text: str) -> set[bytes]:
    """A text as a log, a span or an address may spell it."""
    escaped = json.dumps(text)[1:-1]
    return {text.encode(), escaped.encode(), quote(text).encode(), text.encode().hex().encode()}


def in_files(place: Installation, text: str) -> set[str]:
    """The logs of every process, the engines' own too, and the files of the span store in which `text` stands."""
    files = [*place.folder.rglob("*.log"), *(place.folder / "spans").iterdir()]
    assert {"gateway.log", "identity.log", "courier.log", "spans.sqlite"} <= {file.name for file in files}
    return {file.name for file in files if any(one in file.read_bytes() for one in spellings(text))}


def names_in_the_broker(place: Installation) -> dict[str, bytes]:
    """Every queue, every exchange, and what is bound to what by which key."""
    environ, found = place.district.broker.environ(), {}
    for what in ("queues", "exchanges", "bindings"):
        found[what] = b""
        for vhost in (VHOST, COURIER_VHOST):
            argv = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--silent", f"list_{what}", "-p", vhost]
            done = subprocess.run(argv, env=environ, check=True, capture_output=True, cwd="/", **popen_identity())
            found[what] += done.stdout
    return found


@pytest.fixture(scope="module")
def told(
    environment: Environment, person: Callable[[str, str], Person], foreign_item: dict[str, Any]
) -> Mapping[str, str]:
    """A whole case of the citizen, and an account that somebody made: what they told, by what it is, and the case's number."""
    place = environment[GUSU]
    answer = httpx.post(
        f"{place.issuer}/register", data=REGISTERED, headers={"Tongban-CSRF": "1"}, verify=tls(place), timeout=60
    )
    assert answer.status_code == 303, answer.text
    with Person(place.gateway, place.issuer, place.authority, REGISTERED["login"], REGISTERED["password"]) as somebody:
        assert somebody.get("/v1/cases")["items"] == []
    citizen = person(GUSU, "citizen")
    applied = application(foreign_item, MATERIAL.encode())
    number = citizen.post("/v1/cases", applied)["number"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "材料齐全。"})
    closed(person, number)
    eventually(lambda: clerk.get(f"/v1/cases/{number}")["state"] == "closed", 60)
    assert CITIZEN.email
    return {
        "case": number,
        "number": CITIZEN.id_number,
        "name": CITIZEN.name,
        "e-mail": CITIZEN.email,
        "material": MATERIAL,
        "material as it is sent": applied["materials"][0]["content"],
        **{f"{what} of the registered": REGISTERED[what] for what in ("id_number", "name", "phone", "email")},
        "phone as it is kept": "+86" + REGISTERED["phone"],
    }


def tls(place: Installation) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(place.authority))


def personal(told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((what, text) for what, text in told.items() if what != "case")


def test_what_a_person_told_stands_in_no_table_in_clear(environment: Environment, told: Mapping[str, str]) -> None:
    for place in (environment[GUSU], environment[HUANGPU]):
        assert {"cases", "case_history", "outbox"} <= in_tables(place, told["case"]), "the search finds what is there"
        assert [(what, found) for what, text in personal(told) if (found := in_tables(place, text))] == []


def test_what_a_person_told_stands_in_no_log_and_no_span(environment: Environment, told: Mapping[str, str]) -> None:
    for place in (environment[GUSU], environment[HUANGPU]):
        assert {"case_routing.log", "spans.sqlite"} <= in_files(place, "case_routing"), "the search finds what is there"
        assert [(what, found) for what, text in personal(told) if (found := in_files(place, text))] == []


def test_the_search_finds_every_spelling(environment: Environment, told: Mapping[str, str]) -> None:
    place = environment[GUSU]
    for number, spelling in enumerate(sorted(spellings(told["name"]))):
        file = place.folder / "spans" / f"{number}.spelling"
        try:
            file.write_bytes(b"before it " + spelling + b" after it")
            assert in_files(place, told["name"]) == {file.name}
        finally:
            file.unlink(missing_ok=True)


def test_what_a_person_told_stands_in_no_name_in_the_broker(environment: Environment, told: Mapping[str, str]) -> None:
    for place in (environment[GUSU], environment[HUANGPU]):
        names = names_in_the_broker(place)
        assert [what for what, text in names.items() if b"courier" not in text] == [], "the search finds what is there"
        assert [
            what for what, text in told.items() if any(one in b"".join(names.values()) for one in spellings(text))
        ] == []
