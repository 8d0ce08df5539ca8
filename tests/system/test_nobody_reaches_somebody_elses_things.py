"""The object column of the gateway's table is true: for every row, somebody else's thing is refused by the service behind.

Each row is tried by somebody whom the gateway lets in, with the right role, scope and strength, on a thing that is not
theirs: another citizen's, another kiosk's, another district's. What is refused there the owner reaches, in the same test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from catalogue import messages as catalogue
from chassis.sealed import FieldKeys
from gateway.rules import RULES, Whose
from identity import samples
from identity.domain.model import Account, AccountKind, Assurance, Role
from identity.domain.model import Person as PersonalData
from joserfc.jwk import OKPKey
from tongban.catalogue.v1 import catalogue_pb2
from tongban_cli.client import Person
from tongban_local.installation import Installation

from services.catalogue.tests.factories import item as an_item
from tests.support.calls import BusClient, eventually
from tests.support.engines import Engines
from tests.system.machine_client import Machine, public
from tests.system.openapi_things import LOGINS, ONLINE, application, item, kiosk, publish

HUANGPU = "310101"
PASSWORD = "somebody else's long password"
#: Of another district, and in no book of this one.
THEIR_CASE, THEIR_TICKET = f"{HUANGPU}-20261123-ABCDEFGH", f"{HUANGPU}-T-ABCDEFGH"
THEIR_ITEM = f"{HUANGPU}-somebody-elses"

NOT_YOURS, NO_CASE = (403, "case_routing.not_yours"), (404, "case_routing.unknown_case")
NO_TICKET = (404, "hotline.ticket_not_found")

#: Rows whose object the caller owns, with an address: what anybody else gets.
REFUSED = {
    "GET /v1/cases/{number}": NOT_YOURS,
    "GET /v1/cases/{number}/materials/{key}": NOT_YOURS,
    "GET /v1/cases/{number}/timeline": NOT_YOURS,
    "POST /v1/cases/{number}/withdraw": NOT_YOURS,
    "POST /v1/messages/{id}/read": (404, "notification.message_not_found"),
    "GET /v1/tickets/{number}": NO_TICKET,
    "POST /v1/kiosks/{id}/heartbeats": (403, "terminal_fleet.not_this_kiosk"),
}
#: Rows that list the caller's own: somebody else finds nothing there.
OWN_LISTS = ("GET /v1/cases", "GET /v1/messages", "GET /v1/tickets")
#: Rows that make something: the same key of somebody else makes another thing, theirs.
OWN_MADE = ("POST /v1/cases", "POST /v1/tickets")
#: Rows of this district's books with an address: what a thing of another district gets.
NOT_HERE = {
    "PUT /v1/items/{code}": (409, "catalogue.foreign_item"),
    **dict.fromkeys(
        [row for row, rule in RULES.items() if "/v1/cases/{number}" in row and set(rule.roles) - {"citizen"}], NO_CASE
    ),
    "GET /v1/kiosks/{id}": (404, "terminal_fleet.kiosk_not_found"),
    **dict.fromkeys([row for row in RULES if "/v1/tickets/{number}" in row], NO_TICKET),
    "POST /v1/accounts/{subject}/disable": (404, "identity.account_not_found"),
    "POST /v1/proofs": (404, "identity.account_not_found"),
}
#: Rows of this district's books that name no thing of anybody: they list the book, add to it, or are about a link of ours.
WHOLE_BOOKS = {
    "GET /v1/worklist", "GET /v1/deliveries", "POST /v1/kiosks", "GET /v1/kiosks", "POST /v1/tickets", "GET /v1/tickets",
    "GET /v1/links", "GET /v1/links/{peer}/messages", "GET /v1/quarantine",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "grant": {"reasons": "材料齐全。"},
    "refuse": {"reasons": "材料不齐。"},
    "transfer": {"to_district": HUANGPU, "reason": "属黄浦区。"},
    "answer": {"answer": "十个工作日内。"},
    "bounce": {"reason": "不属本区。"},
    "disable": {"reason": "离职。"},
    "proofs": {"login": f"{HUANGPU}:x", "name": "样例居民", "id_number": "110101188001010011"},
    "heartbeats": {"sequence": 1, "software_version": "1.0"},
}
TICKET = {"subject_line": "社保卡进度", "body": "请问何时可以领取？"}


@dataclass
class World:
    """`owner` and `other` are citizens; `staff` has everybody else; `ids` are the owner's things."""

    owner: Person
    other: Person
    staff: dict[str, Person]
    kiosk: Machine
    other_kiosk: Machine
    ids: dict[str, str]

    def caller(self, role: str, *, other: bool) -> Person | Machine:
        if role == "kiosk":
            return self.other_kiosk if other else self.kiosk
        return (self.other if other else self.owner) if role == "citizen" else self.staff[role]

    def ask(self, caller: Person | Machine, row: str, **ids: str) -> httpx.Response:
        method, path = row.split(" ")
        address = path.format(**ids) if ids else path
        options: dict[str, Any] = {}
        if method != "GET":
            options["headers"] = {"Idempotency-Key": str(uuid4())}
            body = BODIES.get(path.rpartition("/")[2])
            options |= {"json": body} if body else {}
        if isinstance(caller, Person):
            return caller.answer(method, address, **options)
        options["headers"] = {**options.get("headers", {}), "Authorization": f"Bearer {caller.token()}"}
        return self.owner._http.request(method, self.owner._gateway + address, **options)


def somebody_else(gusu: Installation) -> Person:
    data = PersonalData("样例邻居", "110101188001010038", "neighbour@sample.example", "")
    account = Account("neighbour-0001", "neighbour", AccountKind.PERSON, frozenset({Role.CITIZEN}), Assurance.L4, data)
    environ = gusu.district.service_environ("identity")
    settings = samples.Settings(
        database_url=environ["TONGBAN_DATABASE_URL"], field_key=FieldKeys.of(environ["TONGBAN_FIELD_KEY"])
    )
    samples.load(settings, [account], {"neighbour": PASSWORD})
    return Person(gusu.gateway, gusu.issuer, gusu.authority, "neighbour", PASSWORD)


def a_kiosk(gusu: Installation, fleet: Person) -> tuple[str, Machine]:
    key = OKPKey.generate_key("Ed25519")
    made = fleet.post("/v1/kiosks", {**kiosk(key), "public_jwk": public(key)})
    return made["id"], Machine(gusu, made["client_id"], key)


@pytest.fixture(scope="module")
def world(environment, gusu) -> Iterator[World]:
    with ExitStack() as stack:
        staff = {role: stack.enter_context(Person.of(gusu, login)) for role, login in LOGINS.items()}
        owner, other = staff.pop("citizen"), stack.enter_context(somebody_else(gusu))
        publish(staff["publisher"], ONLINE)
        case = owner.post("/v1/cases", application(ONLINE))
        ticket = owner.post("/v1/tickets", TICKET)
        (own, first), (_, second) = a_kiosk(gusu, staff["fleet_manager"]), a_kiosk(gusu, staff["fleet_manager"])
        theirs = catalogue.item_to_wire(an_item(THEIR_ITEM, district=HUANGPU))
        BusClient(Engines(gusu.district)).hand_on(
            catalogue_pb2.ItemPublished(item=theirs), to="catalogue", district=HUANGPU, subject=f"item/{THEIR_ITEM}"
        )
        eventually(lambda: owner.answer("GET", f"/v1/items/{THEIR_ITEM}").status_code == 200, 60)
        messages = eventually(lambda: owner.get("/v1/messages")["items"], 60)
        ids = {"case": case["number"], "ticket": ticket["number"], "kiosk": own, "message": messages[0]["id"]}
        yield World(owner, other, staff, first, second, ids)


def roles(row: str, whose: Whose) -> list[str]:
    return sorted(role for role, what in RULES[row].whose.items() if what is whose)


def rows(whose: Whose) -> set[str]:
    return {row for row in RULES if roles(row, whose)}


def test_every_row_with_an_object_is_tried_here() -> None:
    assert {*REFUSED, *OWN_LISTS, *OWN_MADE} == rows(Whose.OWN)
    assert {*NOT_HERE, *WHOLE_BOOKS} == rows(Whose.DISTRICT)


def own_ids(world: World, row: str) -> dict[str, str]:
    kind = row.split("/")[2].removesuffix("s")
    return {"id" if "{id}" in row else "number": world.ids[kind], "key": "form"}


@pytest.mark.parametrize("row", REFUSED)
def test_somebody_elses_thing_is_refused_and_the_owner_s_is_not(world, row) -> None:
    ids = own_ids(world, row)
    for role in roles(row, Whose.OWN):
        refused = world.ask(world.caller(role, other=True), row, **ids)
        assert (refused.status_code, refused.json()["code"]) == REFUSED[row], role
        reached = world.ask(world.caller(role, other=False), row, **ids)
        assert reached.status_code < 300 or reached.status_code == 409, reached.text


@pytest.mark.parametrize("row", OWN_LISTS)
def test_a_list_of_one_s_own_has_nothing_of_anybody_else_s(world, row) -> None:
    mine, theirs = world.ask(world.owner, row).json()["items"], world.ask(world.other, row).json()["items"]
    assert mine

    def names(items: list[dict[str, Any]]) -> set[str]:
        return {each.get("number") or each["id"] for each in items}

    assert names(mine).isdisjoint(names(theirs))


@pytest.mark.parametrize("row", OWN_MADE)
def test_somebody_else_with_the_same_key_makes_a_thing_of_their_own(world, row) -> None:
    path, key = row.split(" ")[1], str(uuid4())
    body = application(ONLINE) if path == "/v1/cases" else TICKET
    mine, theirs = world.owner.post(path, body, key=key), world.other.post(path, body, key=key)
    assert mine["number"] != theirs["number"]
    assert world.owner.post(path, body, key=key)["number"] == mine["number"]
    for citizen, number in ((world.owner, theirs["number"]), (world.other, mine["number"])):
        assert citizen.answer("GET", f"{path}/{number}").status_code in (403, 404)


@pytest.mark.parametrize("row", NOT_HERE)
def test_what_is_another_district_s_is_not_reached_from_here_by_anybody(world, row) -> None:
    ids = {
        "number": THEIR_TICKET if "tickets" in row else THEIR_CASE,
        "id": "their-kiosk",
        "subject": f"{HUANGPU}:x",
        "key": "form",
    }
    for role in roles(row, Whose.DISTRICT):
        if row == "PUT /v1/items/{code}":
            refused = world.staff[role].answer("PUT", f"/v1/items/{THEIR_ITEM}", json=item(THEIR_ITEM))
        else:
            refused = world.ask(world.staff[role], row, **ids)
        assert (refused.status_code, refused.json()["code"]) == NOT_HERE[row], (role, refused.text)
