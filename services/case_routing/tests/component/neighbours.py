"""What stands around the service in these tests: catalogue and identity answering on the bus, and the other district.

The neighbours are real callers and answerers on the real broker, with those services' own rights. The other district is
our own pure domain: it reads the letters that the service gave to the courier, and writes back through the courier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pika
from case_routing import messages
from case_routing.domain.events import Arrived, Event, Letter, Send
from case_routing.domain.history import Moment, Step
from case_routing.domain.letters import Dossier, read
from case_routing.domain.model import Case
from chassis.errors import Fault
from chassis.wire import PROTOBUF, RPC_EXCHANGE, encode_fault
from google.protobuf.message import Message

from tests.support.calls import BusClient, eventually
from tests.support.engines import Engines

Answer = Callable[[bytes], Message]


class Neighbour:
    """A service that answers calls on the broker until it is stopped."""

    def __init__(self, engines: Engines, service: str, answers: Mapping[str, Answer]) -> None:
        self._engines, self._service, self._answers = engines, service, answers
        self.calls: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _serve(self) -> None:
        with self._engines.channel(self._engines.amqp_url(self._service)) as channel:
            for frame, asked, body in channel.consume(f"rpc-{self._service}", auto_ack=True, inactivity_timeout=0.1):
                if body is not None:
                    self._answer(channel, frame.routing_key, asked, body)
                if self._stop.is_set():
                    return

    def _answer(self, channel, method: str, asked, body: bytes) -> None:
        self.calls.append(method)
        content_type = PROTOBUF
        try:
            answer = self._answers[method](body).SerializeToString()
        except Fault as fault:
            answer, content_type = encode_fault(fault), "application/json"
        properties = pika.BasicProperties(
            content_type=content_type, correlation_id=asked.correlation_id, user_id=self._service
        )
        channel.basic_publish(RPC_EXCHANGE, asked.reply_to, answer, properties)


@dataclass
class OtherDistrict:
    """District `here`, across the link."""

    bus: BusClient
    here: str
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    #: The traceparent of what it does.
    trace: str = ""
    #: Letters that arrived, with their headers, oldest first.
    got: list[tuple[dict, Letter]] = field(default_factory=list)

    def case(self, number: str) -> Case:
        case = self.dossiers[number].case
        assert case is not None
        return case

    def receive(self, count: int = 1, *, answer: bool = True) -> list[tuple[dict, Letter]]:
        """The next letters to this district, read (and answered) in the order in which they were sent."""
        new: list[tuple[dict, Letter]] = []

        def look() -> bool:
            new.extend(self._drain())
            return len(new) >= count

        eventually(look)
        self.got += new
        if answer:
            for headers, letter in new:
                self.read(letter, headers["cloudEvents:id"])
        return new

    def read(self, letter: Letter, id: str) -> None:
        dossier = self.dossiers.get(letter.number, Dossier(self.here, letter.number))
        dossier, events = read(dossier, Arrived(letter, self._peer, id), self._now())
        self.dossiers[letter.number] = dossier
        self.tell(events)

    def act(self, number: str, policy: Callable[[Case, Moment], Step]) -> None:
        step = policy(self.case(number), self._now())
        self.dossiers[number] = replace(self.dossiers[number], case=step.case)
        self.tell(step.events)

    def tell(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, Send):
                self.send(event.letter)

    def send(self, letter: Letter, id: str = "") -> str:
        subject = f"case/{letter.number}"
        return self.bus.hand_on(
            messages.letter_to_wire(letter), to="case_routing", district=self.here, subject=subject, id=id
        )

    @property
    def _peer(self) -> str:
        return self.bus.engines.district.code

    def _now(self) -> Moment:
        return Moment(datetime.now(UTC), self.trace)

    def _drain(self) -> list[tuple[dict, Letter]]:
        found = []
        with self.bus.engines.channel() as channel:
            while (got := channel.basic_get("evt.courier.outbound", auto_ack=True))[0] is not None:
                _, properties, body = got
                kind = properties.type.rpartition(".")[2]
                if properties.headers["tongban.target"] == self.here:
                    opened = self.bus.engines.transit.open(body, id=properties.message_id, type=properties.type)
                    found.append((properties.headers, messages.unpack(kind, opened, self.here)))
        return found
