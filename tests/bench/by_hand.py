"""The steps that floors are made of: confirmed publishes many at a time, batches from a queue, rows like ours. Nothing of ours in it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pika
import psycopg2
from psycopg2.extras import execute_values

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Exchange, routing key, body, properties.
Publish = tuple[str, str, bytes, pika.BasicProperties]


def durable() -> pika.BasicProperties:
    return pika.BasicProperties(delivery_mode=2)


def parameters(url: str) -> pika.URLParameters:
    """A driver is alive as long as its bench is: no heartbeat that a blocking commit would miss."""
    found = pika.URLParameters(url)
    found.heartbeat = 0
    return found


class Publisher:
    """One connection in a thread of its own, in confirm mode: a batch goes out at once, then its confirms are waited for."""

    def __init__(self, url: str) -> None:
        self._ready, self._confirmed = threading.Event(), threading.Event()
        self._open: set[int] = set()
        self._sent = 0
        self._connection = pika.SelectConnection(parameters(url), on_open_callback=self._opened)
        threading.Thread(target=self._connection.ioloop.start, daemon=True).start()
        if not self._ready.wait(20):
            raise RuntimeError("the floor's publisher got no connection")

    def publish(self, batch: Sequence[Publish]) -> None:
        """Returns when the broker has confirmed every one. Raises RuntimeError."""
        self._confirmed.clear()
        self._connection.ioloop.add_callback_threadsafe(lambda: self._send(batch))
        if not self._confirmed.wait(60):
            raise RuntimeError("the broker confirmed nothing for a minute")

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        self._channel = channel
        channel.confirm_delivery(self._answered, callback=lambda _: self._ready.set())

    def _send(self, batch: Sequence[Publish]) -> None:
        for exchange, key, body, properties in batch:
            self._sent += 1
            self._open.add(self._sent)
            self._channel.basic_publish(exchange, key, body, properties, mandatory=True)

    def _answered(self, frame: Any) -> None:
        if not isinstance(frame.method, pika.spec.Basic.Ack):
            raise RuntimeError(f"the broker refused a publish of the floor: {frame.method}")
        last = frame.method.delivery_tag
        self._open -= {tag for tag in self._open if tag <= last} if frame.method.multiple else {last}
        if not self._open:
            self._confirmed.set()


def batches(channel: Any, queue: str, limit: int) -> Iterator[list[tuple[int, bytes]]]:
    """(delivery tag, body) of what is at hand, at least one, at most `limit`; for ever."""
    channel.basic_qos(prefetch_count=3 * limit)
    messages = channel.consume(queue)
    while True:
        batch = [next(messages)]
        while len(batch) < limit and channel.get_waiting_message_count():
            batch.append(next(messages))
        yield [(method.delivery_tag, body) for method, _, body in batch]


def blocking_channel(url: str) -> Any:
    return pika.BlockingConnection(parameters(url)).channel()


def session(url: str) -> Any:
    """A psycopg2 connection, as plain as it comes."""
    return psycopg2.connect(url.replace("+psycopg2", ""))


def in_thread(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


# Rows like ours -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Likeness:
    """Rows of one table as the product wrote them once, to be written again under other keys."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def insert(self, cursor: Any, changes: Sequence[tuple[str, str]], **given: Any) -> None:
        """All its rows, with each text of `changes` replaced; `given` sets whole columns."""
        self.insert_all(cursor, [(changes, given)])

    def insert_all(self, cursor: Any, copies: Sequence[tuple[Sequence[tuple[str, str]], Mapping[str, Any]]]) -> None:
        """One statement for all copies."""
        rows = [self._changed(row, changes, given) for changes, given in copies for row in self.rows]
        execute_values(
            cursor, f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES %s", rows, page_size=len(rows)
        )

    def _changed(self, row: Sequence[Any], changes: Sequence[tuple[str, str]], given: Mapping[str, Any]) -> list[Any]:
        values = []
        for column, value in zip(self.columns, row, strict=True):
            if column in given:
                values.append(given[column])
                continue
            if isinstance(value, str):
                for old, new in changes:
                    value = value.replace(old, new)  # noqa: PLW2901
            values.append(value)
        return values


class NothingWritten(Exception):
    """The product wrote no such row."""


def likeness(cursor: Any, table: str, where: str, *values: Any) -> Likeness:
    """What the product wrote; everything but octets as text, which PostgreSQL reads back into whatever the column is.

    Raises NothingWritten.
    """
    cursor.execute(
        "SELECT quote_ident(attname), format_type(atttypid, NULL) = 'bytea' FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    columns = cursor.fetchall()  # quoted: `only` is a word of SQL
    shown = ", ".join(name if octets else f"{name}::text" for name, octets in columns)
    cursor.execute(f"SELECT {shown} FROM {table} WHERE {where}", values)
    rows = tuple(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall())
    if not rows:
        raise NothingWritten(f"{table} where {where}")
    return Likeness(table, tuple(name for name, _ in columns), rows)


def keys_of(likenesses: Iterable[Likeness]) -> list[str]:
    """Every UUID that names a row of theirs; it may stand in others too."""
    found = set()
    for one in likenesses:
        at = [one.columns.index(name) for name in ("id", "key") if name in one.columns]
        found |= {row[i] for row in one.rows for i in at if isinstance(row[i], str) and _UUID.fullmatch(row[i])}
    return sorted(found)


def fresh(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Each with another one in its place."""
    return [(key, str(uuid4())) for key in keys]


def pack(likenesses: Sequence[Likeness]) -> str:
    """As JSON, for a driver's argument."""

    def plain(value: Any) -> Any:
        return {"hex": value.hex()} if isinstance(value, bytes) else value

    return json.dumps([[one.table, one.columns, [list(map(plain, row)) for row in one.rows]] for one in likenesses])


def unpack(text: str) -> dict[str, Likeness]:
    """By table."""

    def value(packed: Any) -> Any:
        return bytes.fromhex(packed["hex"]) if isinstance(packed, dict) else packed

    return {
        table: Likeness(table, tuple(columns), tuple(tuple(map(value, row)) for row in rows))
        for table, columns, rows in json.loads(text)
    }
