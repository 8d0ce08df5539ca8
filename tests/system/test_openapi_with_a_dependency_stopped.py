"""The public API with something it needs away: problems that say when to come back, and nothing acknowledged is lost.

A citizen applies all the while, one application after another, and repeats one that got no answer with its own key, as
the problem says. Afterwards there is one case for each application that was acknowledged, none besides, and the person
hears of every one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from joserfc.jwk import OKPKey
from schemathesis.checks import not_a_server_error
from tongban_cli.client import Person
from tongban_local.environment import Environment

from tests.support.calls import eventually
from tests.system.machine_client import Machine
from tests.system.openapi_edge import GUARDED, OPERATIONS, Edge
from tests.system.openapi_things import GUSU, LOGINS, ONLINE, Things, application, kiosk, publish

PATIENCE_S = 60.0
#: Ids of the right form, of nothing that is there.
IDS = {
    "number": f"{GUSU}-20260101-ABCDEFGH",
    "id": "nothing",
    "code": f"{GUSU}-tried-anew",
    "subject": "nobody",
    "peer": "310101",
    "key": "form",
}
#: What is stopped → the operations that cannot do without it.
NEEDS: dict[str, Callable[[str], bool]] = {
    "broker": lambda path: True,
    "database": lambda path: True,
    "case_routing": lambda path: path.startswith(("/v1/cases", "/v1/worklist")),
}


@pytest.fixture(scope="module")
def edge(environment, gusu) -> Iterator[Edge]:
    with ExitStack() as stack:
        callers = {role: stack.enter_context(Person.of(gusu, login)) for role, login in LOGINS.items()}
        publish(callers["publisher"], ONLINE)
        key = OKPKey.generate_key("Ed25519")
        registered = callers["fleet_manager"].post("/v1/kiosks", kiosk(key))
        made = Things({**callers, "kiosk": Machine(gusu, registered["client_id"], key)})
        for name, operation in OPERATIONS.items():
            made.ids[name] = [{part: IDS[part] for part in re.findall(r"{(\w+)}", operation.path)}]
        made.queries["list_deliveries"] = {"about": IDS["number"]}
        for caller in made.callers.values():
            caller.token()  # got while identity can still give it
        yield Edge(gusu.gateway, str(gusu.authority), made)


@dataclass
class Applicant:
    """A citizen who applies without end; `acknowledged`: key → number, `refused`: the status of every other answer."""

    person: Person
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ends with an acknowledgement: no key is left whose fate is unknown."""
        while not self.enough.is_set():
            key = str(uuid4())
            while not self._apply(key):
                time.sleep(0.2)

    def _apply(self, key: str) -> bool:
        try:
            answer = self.person.answer("POST", "/v1/cases", json=application(ONLINE), headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            self.unclear.append(repr(error))
            return False
        if answer.status_code == 201:
            self.acknowledged[key] = answer.json()["number"]
            return True
        self.refused.append(answer.status_code)
        return answer.status_code != 503


@contextmanager
def applying(person: Person) -> Iterator[Applicant]:
    applicant = Applicant(person)
    thread = threading.Thread(target=applicant.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: len(applicant.acknowledged) >= 3, PATIENCE_S)
        yield applicant
    finally:
        applicant.enough.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


@contextmanager
def stopped(environment: Environment, name: str) -> Iterator[None]:
    environment.stop_process(GUSU, name)
    try:
        yield
    finally:
        environment.start_process(GUSU, name)
        if name in ("broker", "database"):
            environment[GUSU].district.wait_engines()


def every(person: Person, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found, cursor = [], ""
    while True:
        page = person.get(path, size=100, cursor=cursor)
        found += page["items"]
        if not (cursor := page["next"] or ""):
            return found


def numbers(person: Person) -> set[str]:
    return {case["number"] for case in every(person, "/v1/cases")}


def ask(edge: Edge, operation: str) -> schemathesis.Response:
    """The answer to a good request by somebody who may make it; it is one that the document describes."""
    role = next(role for role in GUARDED[operation] if role in edge.made.callers)
    return edge.call(edge.real(operation), role, excluded_checks=[not_a_server_error])


def ask_all(edge: Edge) -> dict[str, schemathesis.Response]:
    with ThreadPoolExecutor(6) as pool:
        return dict(zip(GUARDED, pool.map(lambda operation: ask(edge, operation), GUARDED), strict=True))


@pytest.mark.parametrize("dependency", NEEDS)
def test_what_needs_it_says_when_to_come_back_and_nothing_acknowledged_is_lost(
    environment, gusu, edge, dependency
) -> None:
    citizen = edge.made.callers["citizen"]
    before = numbers(citizen)
    with Person.of(gusu, "citizen") as person, applying(person) as applicant:
        with stopped(environment, dependency):
            answers = ask_all(edge)
            count = len(applicant.acknowledged)
        eventually(lambda: len(applicant.acknowledged) >= count + 3, PATIENCE_S)

    away = {name for name in GUARDED if NEEDS[dependency](OPERATIONS[name].path)}
    assert {name for name, answer in answers.items() if answer.status_code == 503} == away
    for answer in (answers[name] for name in away):
        problem = answer.json()
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert int(answer.headers["retry-after"][0]) > 0
        assert problem["status"] == 503
        assert problem["code"]
        assert problem["detail"]
    assert set(applicant.refused) == {503}
    assert applicant.unclear == []

    acknowledged = set(applicant.acknowledged.values())
    assert numbers(citizen) - before == acknowledged
    assert len(acknowledged) == len(applicant.acknowledged)
    eventually(lambda: acknowledged <= {message["about"] for message in every(citizen, "/v1/messages")}, PATIENCE_S)


def test_without_its_broker_the_gateway_lives_and_says_what_it_waits_for(environment, gusu, edge) -> None:
    with stopped(environment, "broker"):
        assert edge.call(edge.real("livez")).status_code == 200
        answer = edge.call(edge.real("readyz"), excluded_checks=[not_a_server_error])
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "not_ready": ["bus"]})
    eventually(lambda: edge.call(edge.real("readyz"), excluded_checks=[not_a_server_error]).status_code == 200, 30)
