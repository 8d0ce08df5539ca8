"""The client of the trials: asks Gusu's services as its gateway would, many at once, and keeps the journal.

What nobody answers is sent again under the same key until somebody does or `patience_s` is over.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import pika
from chassis.assertion import Actor, sign_assertion
from chassis.clock import SystemClock, unix_ms
from chassis.errors import Fault, Kind
from chassis.wire import ASSERTION_HEADER, DEADLINE_HEADER, PROTOBUF, RPC_EXCHANGE, decode_reply
from google.protobuf.message import Message
from tongban.case_routing.v1 import case_routing_pb2 as case_routing
from tongban.hotline.v1 import hotline_pb2 as hotline

from tests.faults.journal import Attempt, Journal, Outcome
from tests.faults.side import HUANGPU, Side

M = TypeVar("M", bound=Message)

CALLER = "gateway"
#: How long one call may take before the client gives it up and sends it again.
CALL_S = 5.0
PAUSE_S = 0.2
#: Faults after which the same call may succeed a moment later.
PASSING = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.RATE_LIMITED, Kind.INTERNAL})


class Unanswered(Exception):
    """No answer, or no broker to ask: whether it was done is unknown."""


class Line:
    """One connection that makes one call at a time; it comes back by itself."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connection: Any = None

    def call(self, method: str, request: Message, response_type: type[M], actor: Actor, timeout_s: float = CALL_S) -> M:
        """The answer. Raises Fault, or Unanswered."""
        try:
            channel = self._open()
            number = str(uuid4())
            channel.basic_publish(
                RPC_EXCHANGE, method, request.SerializeToString(), self._properties(number, actor, timeout_s), True
            )
            until = time.monotonic() + timeout_s
            for _, told, body in channel.consume(self._queue, auto_ack=True, inactivity_timeout=0.25):
                if body is not None and told.correlation_id == number:
                    return decode_reply(body, told.content_type, response_type)
                if time.monotonic() > until:
                    raise Unanswered(method)
        except (pika.exceptions.AMQPError, OSError) as error:
            self.close()
            raise Unanswered(type(error).__name__) from error
        raise Unanswered(method)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_open:
            with suppress(pika.exceptions.AMQPError, OSError):
                connection.close()

    def _properties(self, number: str, actor: Actor, timeout_s: float) -> pika.BasicProperties:
        district, clock = self._side.place.district, SystemClock()
        headers = {
            DEADLINE_HEADER: unix_ms(clock.now()) + int(timeout_s * 1000),
            ASSERTION_HEADER: sign_assertion(actor, district.edge_key, clock=clock, audience=district.code),
        }
        return pika.BasicProperties(
            content_type=PROTOBUF,
            headers=headers,
            correlation_id=number,
            reply_to=self._reply_to,
            user_id=CALLER,
            expiration=str(int(timeout_s * 1000)),
        )

    def _open(self) -> Any:
        if self._connection is None or not self._connection.is_open:
            parameters = pika.URLParameters(self._side.place.district.amqp_url(CALLER))
            parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 5
            self._connection = pika.BlockingConnection(parameters)
            unique = uuid4()
            self._queue, self._reply_to = f"rpc.reply-{CALLER}-{unique}", f"reply.{CALLER}.{unique}"
            self._channel = self._connection.channel()
            self._channel.queue_declare(self._queue, exclusive=True)
            self._channel.queue_bind(self._queue, RPC_EXCHANGE, self._reply_to)
        return self._channel


@dataclass
class Client:
    """People of Gusu, and what they ask."""

    side: Side
    citizen: Actor = field(init=False)
    agent: Actor = field(init=False)
    item: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        subjects = dict(self.side.rows("identity", "SELECT login, subject FROM accounts"))
        self.citizen = Actor(subjects["citizen"], self.side.code, frozenset({"citizen"}), "L4", "portal")
        self.agent = Actor(subjects["agent"], self.side.code, frozenset({"agent"}), "L5", "portal")
        ask = "SELECT code, materials FROM items WHERE handling_district = %s AND mode = 'fully_online' ORDER BY code LIMIT 1"
        code, materials = self.side.rows("catalogue", ask, HUANGPU)[0]
        told = materials if isinstance(materials, list) else json.loads(materials)
        self.item = {"code": code, "keys": [one["key"] for one in told if one["required"]]}

    # What one attempt asks ------------------------------------------------------------------------------------------------

    def ask(self, line: Line, attempt: Attempt, state: dict[str, Any]) -> None:
        """Everything that the attempt asks for; `state` keeps what an earlier try got as far as. Raises Fault, Unanswered."""
        {"ticket": self._ticket, "notice": self._notice, "case": self._case}[attempt.flow](line, attempt, state)

    def _ticket(self, line: Line, attempt: Attempt, state: dict[str, Any]) -> None:
        """A ticket is opened and handed to Huangpu."""
        if "number" not in state:
            state["number"] = self._opened(line, attempt, self.agent)
        request = hotline.TransferTicketRequest(
            number=state["number"], to_district=HUANGPU, reason="属黄浦区。", idempotency_key=f"{attempt.id}.t"
        )
        line.call("hotline.transfer_ticket", request, hotline.Ticket, self.agent)

    def _notice(self, line: Line, attempt: Attempt, state: dict[str, Any]) -> None:
        """A person opens a ticket, and is to hear of it in the app and by mail."""
        self._opened(line, attempt, self.citizen)

    def _opened(self, line: Line, attempt: Attempt, actor: Actor) -> str:
        request = hotline.OpenTicketRequest(
            subject_line="咨询", body="咨询内容", case_number=attempt.id, idempotency_key=f"{attempt.id}.o"
        )
        return line.call("hotline.open_ticket", request, hotline.Ticket, actor).number

    def _case(self, line: Line, attempt: Attempt, state: dict[str, Any]) -> None:
        """A person applies for what Huangpu decides."""
        import hashlib

        content = "样例材料".encode()
        digest = hashlib.sha256(content).hexdigest()
        request = case_routing.SubmitCaseRequest(
            item_code=self.item["code"], idempotency_key=attempt.id, kiosk_id=attempt.id
        )
        for key in self.item["keys"]:
            request.materials.add(
                key=key, name=f"{key}.txt", media_type="text/plain", size=len(content), sha256=digest, content=content
            )
        line.call("case_routing.submit_case", request, case_routing.Case, self.citizen)

    # Many of them -----------------------------------------------------------------------------------------------------------

    def begin(
        self, journal: Journal, attempts: Sequence[Attempt], *, at_once: int = 6, patience_s: float = 90.0
    ) -> Asking:
        """Sends them, so many at a time; returns at once."""
        return Asking(self, journal, deque(attempts), patience_s).start(at_once)


@dataclass
class Asking:
    """Attempts under way."""

    client: Client
    journal: Journal
    todo: deque[Attempt]
    patience_s: float
    _threads: list[threading.Thread] = field(default_factory=list)
    _ended: bool = False

    def start(self, at_once: int) -> Asking:
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> None:
        """Waits until every attempt has its outcome, or patience is over."""
        for thread in self._threads:
            thread.join()

    def end(self) -> None:
        """Sends nothing more."""
        self._ended = True
        self.todo.clear()

    def _work(self) -> None:
        line = Line(self.client.side)
        try:
            while self.todo:
                try:
                    attempt = self.todo.popleft()
                except IndexError:
                    return
                self._until_answered(line, attempt)
        finally:
            line.close()

    def _until_answered(self, line: Line, attempt: Attempt) -> None:
        state: dict[str, Any] = {}
        until = time.monotonic() + self.patience_s
        while not self._ended:
            self.journal.sending(attempt)
            try:
                self.client.ask(line, attempt, state)
            except Unanswered as error:
                self.journal.heard(attempt, Outcome.UNKNOWN, str(error))
            except Fault as fault:
                passing = fault.kind in PASSING
                self.journal.heard(attempt, Outcome.UNKNOWN if passing else Outcome.FAILED, fault.code)
                if not passing:
                    return
            else:
                self.journal.heard(attempt, Outcome.OK)
                return
            if time.monotonic() > until:
                return
            time.sleep(PAUSE_S)


def together(*works: Callable[[], object]) -> None:
    """Runs them at the same time and returns when all are done; raises what the first raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
