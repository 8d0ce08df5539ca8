"""Puts the service together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chassis.caller import Call
from chassis.logs import get_logger
from chassis.once import digest_of, once
from chassis.process import Process
from chassis.sealed import FieldCipher
from chassis.subscriber import Delivery
from chassis.telemetry import current_traceparent

from case_routing.adapters.numbers import RandomNumbers
from case_routing.adapters.remote import RemoteCatalogue, RemotePeople
from case_routing.adapters.signed_copy import PartyKey, read_copy
from case_routing.adapters.storage import Work
from case_routing.domain.agreements import Agreement
from case_routing.domain.errors import UnknownCase
from case_routing.domain.history import Moment
from case_routing.domain.model import Acting, Case, Reader
from case_routing.domain.policies import Application
from case_routing.usecases.acting import Command
from case_routing.usecases.ports import Numbers
from case_routing.usecases.prepare_application import Office, Submission, prepare_application
from case_routing.usecases.reading import reader_for

log = get_logger(__name__)


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    cipher: FieldCipher
    office: Office

    @property
    def district(self) -> str:
        return self.office.here

    @property
    def numbers(self) -> Numbers:
        return self.office.numbers

    def moment(self) -> Moment:
        return Moment(self.process.clock.now(), current_traceparent())

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Work(connection, self.process.outbox(connection), self.cipher, self.district)

    def join(self, delivery: Delivery) -> Work:
        """The transaction in which an event is handled once."""
        return Work(delivery.connection, self.process.outbox(delivery.connection), self.cipher, self.district)

    def signed_copy(self, event: Any) -> tuple[Agreement, str]:
        """The agreement that the courier tells of, its signatures checked, and its text. Raises BadAgreement."""
        keys = [PartyKey(key.district, key.kid, key.alg, key.public_jwk) for key in event.keys]
        return read_copy(event.signed_agreement, keys)

    def prepare(self, submission: Submission) -> Application:
        return prepare_application(submission, self.office, self.process.clock.now())

    def reader(self, call: Call, *staff: str) -> Reader | None:
        """Whose cases the caller may see; None where one of the roles `staff` does, who may see any. Asks identity for a firm's."""
        if call.actor is None or call.actor.has_any(staff):
            return None
        return reader_for(self.office.people, acting(call))

    def command(self, request: Any, citizen: Reader | None = None) -> Command:
        """The act that a request asks for: a clerk's on any case, or a citizen's on one of their own."""
        return Command(request.number, self.moment(), request.expected_version, citizen)

    def note_opening(self, request: Any, call: Call) -> None:
        """Who opened a person's paper is found again in the log, by subject."""
        who = call.actor.subject if call.actor else call.caller
        log.info("a material was opened", case=request.number, material=request.key, subject=who)

    def once(self, request: Any, call: Call, act: Callable[[Work], Case]) -> Case:
        """Does `act` once per idempotency key, method and person; the same request again answers with the same case."""
        done: list[Case] = []
        with self.work() as work:

            def produce() -> bytes:
                done.append(act(work))
                return done[0].number.encode()

            scope = f"{call.method}/{call.actor.subject if call.actor else call.caller}"
            if call.actor and call.actor.acting_for:
                scope += f"/{call.actor.acting_for}"
            key, digest = request.idempotency_key, digest_of(request)
            number = once(work.connection, scope=scope, key=key, digest=digest, produce=produce).decode()
            case = done[0] if done else work.cases.get(number)
        if case is None:
            raise UnknownCase(number)
        return case


def acting(call: Call) -> Acting:
    """The person whose request it is."""
    assert call.actor is not None
    return Acting(call.actor.subject, call.actor.district, call.actor.acting_for)


def build(process: Process) -> App:
    settings, caller = process.settings, process.caller
    office = Office(settings.district, RemoteCatalogue(caller, process.clock), RemotePeople(caller), RandomNumbers())
    return App(process, FieldCipher(settings.field_key), office)
