"""The floor of events, first half: a commit an event, then batches of at most 250: confirmed publishes and one commit.

Options: {"amqp", "database", "exchange", "key", "batch"}; a question [events, at once, octets]; the answer comes when all are marked.
"""

import json
import queue
import sys
from itertools import count
from uuid import uuid4

import pika

from tests.bench.by_hand import Publisher, in_thread, session

options = json.loads(sys.stdin.readline())
publisher = Publisher(options["amqp"])
written: queue.Queue = queue.Queue()
INSERT = "INSERT INTO outbox (id, exchange, routing_key, type, headers, body) VALUES (%s, %s, %s, %s, %s, %s)"
MARK = "UPDATE outbox SET confirmed_at = now() WHERE id = ANY(%s::uuid[])"


def headers_of(id: str, number: int) -> dict:
    return {
        "cloudEvents:id": id,
        "cloudEvents:source": "echo",
        "cloudEvents:type": "tongban.echo.v1.Note",
        "cloudEvents:subject": f"note/{number}",
        "cloudEvents:time": "2026-01-01T00:00:00.000000Z",
        "cloudEvents:specversion": "1.0",
        "cloudEvents:datacontenttype": "application/x-protobuf",
        "tongban.version": 1,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def write(first: int, events: int, step: int, body: bytes) -> None:
    connection = session(options["database"])
    cursor = connection.cursor()
    for number in range(first, events, step):
        id = str(uuid4())
        headers = headers_of(id, number)
        row = (id, options["exchange"], options["key"], "tongban.echo.v1.Note", json.dumps(headers), body)
        cursor.execute(INSERT, row)
        connection.commit()
        written.put((id, headers, body))
    connection.close()


def relay(events: int) -> int:
    connection = session(options["database"])
    cursor, left = connection.cursor(), events
    for batch_number in count(1):
        batch = [written.get(timeout=60)]
        while len(batch) < options["batch"] and not written.empty():
            batch.append(written.get())
        publisher.publish(
            [(options["exchange"], options["key"], body, properties(id, headers)) for id, headers, body in batch]
        )
        cursor.execute(MARK, ([id for id, _, _ in batch],))
        connection.commit()
        left -= len(batch)
        if not left:
            connection.close()
            return batch_number
    raise AssertionError


def properties(id: str, headers: dict) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/x-protobuf",
        headers=headers,
        delivery_mode=2,
        message_id=id,
        type="tongban.echo.v1.Note",
    )


for line in sys.stdin:
    events, at_once, octets = json.loads(line)
    for first in range(at_once):
        in_thread(write, first, events, at_once, b"x" * octets)
    print(json.dumps(relay(events)), flush=True)
