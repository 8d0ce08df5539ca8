"""What a person has told is read in no table of either district, from the application to the end of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
from identity.samples import read_samples
from psycopg2 import sql
from tongban_cli.client import Person
from tongban_local.environment import Environment
from tongban_local.installation import Installation

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.federation.test_a_case_crosses import arrived, closed
from tests.support.calls import eventually

#: The sample citizen's number, from the data file.
ID_NUMBER = next(sample.person.id_number for sample in read_samples() if sample.login == "citizen")
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


def holding(place: Installation, text: str) -> set[str]:
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


def test_what_a_person_told_stands_in_no_table_in_clear(
    environment: Environment, person: Callable[[str, str], Person], foreign_item: dict[str, Any]
) -> None:
    citizen = person(GUSU, "citizen")
    number = citizen.post("/v1/cases", application(foreign_item, MATERIAL.encode()))["number"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "材料齐全。"})
    closed(person, number)
    eventually(lambda: clerk.get(f"/v1/cases/{number}")["state"] == "closed", 60)
    for place in (environment[GUSU], environment[HUANGPU]):
        assert {"cases", "case_history", "outbox"} <= holding(place, number), "the search finds what is there"
        assert holding(place, ID_NUMBER) == set()
        assert holding(place, MATERIAL) == set()
        assert holding(place, application(foreign_item, MATERIAL.encode())["materials"][0]["content"]) == set()
