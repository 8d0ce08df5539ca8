"""What a service has to tell others, written in the transaction that caused it; the relay sends it on.

A row is the whole message: exchange, routing key, CloudEvents 1.0 attributes as AMQP headers
(CloudEvents AMQP protocol binding, section 3.1: `cloudEvents:` prefix) and the body as binary protobuf. The body of a
message for or from another district is sealed (chassis.sealed.TransitSeal): it may hold personal data, and rows and queues last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Connection

from chassis import telemetry
from chassis.clock import Clock, NewId
from chassis.database import WAKE, frugal, messaging_tables
from chassis.sealed import TransitSeal
from chassis.wire import PROTOBUF, SEALED

COURIER_OUTBOUND = "courier.outbound"
COURIER_EVENTS = "courier.events"

ID, SOURCE, TYPE = "cloudEvents:id", "cloudEvents:source", "cloudEvents:type"
SUBJECT, TIME = "cloudEvents:subject", "cloudEvents:time"
SPEC_VERSION, DATA_CONTENT_TYPE = "cloudEvents:specversion", "cloudEvents:datacontenttype"
VERSION, DISTRICT = "tongban.version", "tongban.district"
TARGET, SUBJECT_SEQ, OPENS = "tongban.target", "tongban.subject_seq", "tongban.opens"
ANSWERS_TO, VALID_UNTIL = "tongban.answers_to", "tongban.valid_until"
TRACEPARENT = "traceparent"

#: Target of a message meant for every linked district.
EVERY_DISTRICT = "*"

_TABLES = messaging_tables(sa.MetaData())
_COLUMNS = ("id", "exchange", "routing_key", "type", "headers", "body")
_sequence = _TABLES.subject_sequence
_NEXT = (
    pg.insert(_sequence)
    .values(target=sa.bindparam("target"), subject=sa.bindparam("subject"), last=1)
    .on_conflict_do_update(index_elements=["target", "subject"], set_={"last": _sequence.c.last + 1})
    .returning(_sequence.c.last)
)


def event_exchange(service: str) -> str:
    """Where a service publishes its own events."""
    return f"{service}.events"


def rfc3339(moment: datetime) -> str:
    """A time as CloudEvents and the courier write it: UTC, `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _insert(rows: Sequence[tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
    """One statement for all rows, and its parameters."""
    places = ", ".join(["(%s::uuid, %s, %s, %s, %s::jsonb, %s)"] * len(rows))
    return f"INSERT INTO outbox ({', '.join(_COLUMNS)}) VALUES {places}", tuple(value for row in rows for value in row)  # noqa: S608


class Outbox:
    """The outbox of `source` inside one open transaction: all of it commits, or none. Its rows are written by the commit."""

    def __init__(self, connection: Connection, source: str, clock: Clock, new_id: NewId, transit: TransitSeal) -> None:
        self._connection = connection
        self._source = source
        self._clock = clock
        self._new_id = new_id
        self._transit = transit

    def publish(self, message: Message, *, subject: str, version: int, to: str = "") -> UUID:
        """Tells this district of a fact; `version` is the aggregate's. `to` names the one service that it is meant for."""
        name = message.DESCRIPTOR.name
        return self._write(
            exchange=event_exchange(self._source),
            routing_key=f"{to}.{name}" if to else name,
            type=message.DESCRIPTOR.full_name,
            body=message.SerializeToString(),
            subject=subject,
            extra={VERSION: version},
        )

    def send(
        self,
        message: Message,
        *,
        target: str,
        subject: str,
        opens: str = "",
        answers_to: str = "",
        valid_until: datetime | None = None,
    ) -> UUID:
        """Addresses a message to a district (or `*`, every linked one); the courier takes it from here.

        Messages of one target and subject are numbered without a gap in the order of their commits: the second sender
        waits for the first one's commit. `opens` names what new thing it opens, which the agreement in force must allow.
        """
        row = {"target": target, "subject": subject}
        extra: dict[str, Any] = {TARGET: target, SUBJECT_SEQ: self._connection.execute(_NEXT, row).scalar_one()}
        if opens:
            extra[OPENS] = opens
        if answers_to:
            extra[ANSWERS_TO] = answers_to
        if valid_until is not None:
            extra[VALID_UNTIL] = rfc3339(valid_until)
        return self._write(
            exchange=COURIER_OUTBOUND,
            routing_key=f"{self._source}.{message.DESCRIPTOR.name}",
            type=message.DESCRIPTOR.full_name,
            body=message.SerializeToString(),
            subject=subject,
            extra=extra,
            seal=True,
        )

    def hand_on(
        self,
        body: bytes,
        *,
        to: str,
        type: str,
        id: UUID,
        subject: str,
        district: str,
        time: datetime,
        traceparent: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> UUID:
        """The courier hands a message that arrived from `district` to the service `to`, under the sender's own id."""
        name = type.rpartition(".")[2]
        return self._write(
            exchange=event_exchange(self._source),
            routing_key=f"{to}.{name}",
            type=type,
            body=body,
            subject=subject,
            extra={DISTRICT: district, **(extra or {})} | ({TRACEPARENT: traceparent} if traceparent else {}),
            id=id,
            time=time,
            seal=True,
        )

    def _write(
        self,
        *,
        exchange: str,
        routing_key: str,
        type: str,
        body: bytes,
        subject: str,
        extra: Mapping[str, Any],
        id: UUID | None = None,
        time: datetime | None = None,
        seal: bool = False,
    ) -> UUID:
        id = id or self._new_id()
        headers: dict[str, Any] = {
            ID: str(id),
            SOURCE: self._source,
            TYPE: type,
            SUBJECT: subject,
            TIME: rfc3339(time or self._clock.now()),
            SPEC_VERSION: "1.0",
            DATA_CONTENT_TYPE: SEALED if seal else PROTOBUF,
            **extra,
        }
        if TRACEPARENT not in headers:
            telemetry.inject(headers)
        content = self._transit.seal(body, id=str(id), type=type) if seal else body
        self._tell((str(id), exchange, routing_key, type, json.dumps(headers), content))
        return id

    def _tell(self, row: tuple[Any, ...]) -> None:
        """Puts the row beside those that the commit writes."""
        connection = self._connection
        connection.info[WAKE] = True
        if connection.in_nested_transaction():  # a savepoint that is rolled back takes its rows with it
            connection.exec_driver_sql(*_insert([row]))
        else:
            frugal(connection).at_commit(_insert, row)
