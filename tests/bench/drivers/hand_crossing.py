"""The floor of cross_district: what must be committed and published for an application to cross, by hand.

 1  A, intake     the application's rows, one INSERT a table · commit, one an application
 2  A, relay      ≤ 250: confirmed publish · its outbox rows marked · commit
 3  A, courier    ≤ 200 consumed: log, stream, subject, sent, due, sealed; sequence, state · commit · ack
 4  A, courier    ≤ 200: confirmed publish to B's broker
 5  B, courier    ≤ 200 consumed: log, received, receipt, subject, outbox; arrival, state · commit · receipt published · ack
 6  A, courier    receipts consumed: receipt; sent, due, link · commit · ack

Every step is a thread with connections of its own, and goes on as soon as it is given something. Plain AMQP, no sealing, no signing,
no checks. Options: {"a", "b": amqp of each district's vhost `courier`, "a_bus": of A's vhost `district`, "cases", "courier_a", "courier_b":
databases, "rows": by_hand.pack for each of these, "number": of the application in the rows}. Questions as of applicants.py:
["cross", count, at once, in flight], ["one", count, pause in seconds]; answers "seconds", "receipted_ms".
"""

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from uuid import uuid4

from tests.bench.by_hand import (
    Publisher,
    batches,
    blocking_channel,
    durable,
    fresh,
    in_thread,
    keys_of,
    session,
    unpack,
)

#: What a batch writes, one statement a table.
SENDING, TAKING = ("stream", "subject", "log", "sent", "due", "sealed"), ("received", "subject", "log", "outbox")
RELAY_BATCH, COURIER_BATCH = 250, 200
OUTBOUND, ARRIVED, RECEIPTS = "by.hand.outbound", "by.hand.in", "by.hand.receipts"

RECEIPTED = (
    """UPDATE sent SET state = 'receipted', settled_at = now(), receipt_id = %s::uuid WHERE id = ANY(%s::uuid[])"""
)

options = json.loads(sys.stdin.readline())
cases, sending, taking = (unpack(options["rows"][name]) for name in ("cases", "courier_a", "courier_b"))
keys = keys_of(cases.values())
old = options["number"]
message = next(key for key in keys if key == options["message"])

written: queue.Queue = queue.Queue()
stored: queue.Queue = queue.Queue()
#: Of each application, by its message's id: when it began; released once it has its receipt.
begun: dict[str, float] = {}
took: list[float] = []
window = threading.Semaphore(0)
finished: queue.Queue = queue.Queue()
numbers, logged_a, logged_b = count(10_000_000), count(10_000_000), count(10_000_000)


def seed() -> None:
    """The rows that every batch updates."""
    for url, rows, tables in (
        (options["courier_a"], sending, ("state", "sequence", "link")),
        (options["courier_b"], taking, ("state", "arrival")),
    ):
        with session(url) as connection, connection.cursor() as cursor:
            for table in tables:
                rows[table].insert(cursor, [])
        connection.close()


def declare() -> None:
    for url, name in ((options["a_bus"], OUTBOUND), (options["b"], ARRIVED), (options["a"], RECEIPTS)):
        channel = blocking_channel(url)
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
        channel.connection.close()


def take_in(cursor) -> None:
    """Step 1."""
    number = f"320508-20260101-{uuid4().hex[:12]}"
    changes = [(old, number), *fresh(keys)]
    id = dict(changes)[message]
    begun[id] = time.perf_counter()
    for each in cases.values():
        each.insert(cursor, changes)
    cursor.connection.commit()
    written.put((id, number))


def intake(left) -> None:
    connection = session(options["cases"])
    cursor = connection.cursor()
    for _ in left:
        window.acquire()
        take_in(cursor)
    connection.close()


def at_hand(from_: queue.Queue, limit: int) -> list:
    batch = [from_.get()]
    while len(batch) < limit and not from_.empty():
        batch.append(from_.get())
    return batch


def relay() -> None:
    publisher, connection = Publisher(options["a_bus"]), session(options["cases"])
    cursor, body = connection.cursor(), " " * options["octets"]["message"]
    while True:
        batch = at_hand(written, RELAY_BATCH)
        publisher.publish([("", OUTBOUND, (json.dumps(one) + body).encode(), durable()) for one in batch])
        cursor.execute("UPDATE outbox SET confirmed_at = now() WHERE id = ANY(%s::uuid[])", ([id for id, _ in batch],))
        connection.commit()


def read(batch: list) -> list:
    return [tuple(json.loads(body)) for _, body in batch]


def store() -> None:
    connection, channel = session(options["courier_a"]), blocking_channel(options["a_bus"])
    cursor = connection.cursor()
    for batch in batches(channel, OUTBOUND, COURIER_BATCH):
        applications = read(batch)
        last = insert(cursor, sending, applications, logged_a, SENDING)
        cursor.execute("UPDATE sequence SET last = %s WHERE lane = 'main'", (last,))
        cursor.execute("UPDATE state SET head_seq = %s", (last,))
        connection.commit()
        channel.basic_ack(batch[-1][0], multiple=True)
        for one in applications:
            stored.put(one)


def insert(cursor, likenesses, applications: list, places, tables: tuple) -> int:
    """The rows of a batch, one statement a table; the last place in the log."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    not_yet = dict.fromkeys(("settled_at", "receipt_id", "answered_at", "confirmed_at"))
    as_new = {"state": "waiting", "due_at": now, "created_at": now, **not_yet}
    seqs = [next(places) for _ in applications]
    given = [{**as_new, "number": next(numbers), "seq": seq, "log_seq": seq} for seq in seqs]
    for table in tables:
        columns = likenesses[table].columns
        likenesses[table].insert_all(
            cursor,
            [
                ([(old, number), (message, id)], {name: value for name, value in own.items() if name in columns})
                for (id, number), own in zip(applications, given, strict=True)
            ],
        )
    return seqs[-1]


def send() -> None:
    publisher, body = Publisher(options["b"]), " " * options["octets"]["envelope"]
    while True:
        batch = at_hand(stored, COURIER_BATCH)
        publisher.publish([("", ARRIVED, (json.dumps(one) + body).encode(), durable()) for one in batch])


def arrive() -> None:
    connection, channel = session(options["courier_b"]), blocking_channel(options["b"])
    cursor, answers = connection.cursor(), blocking_channel(options["a"])
    body = " " * options["octets"]["receipt"]
    for batch in batches(channel, ARRIVED, COURIER_BATCH):
        applications, receipt = read(batch), str(uuid4())
        last = insert(cursor, taking, applications, logged_b, TAKING)
        taking["receipt"].insert(cursor, [], id=receipt)
        cursor.execute("UPDATE arrival SET highest = %s, contiguous = %s WHERE lane = 'main'", (last, last))
        cursor.execute("UPDATE state SET head_seq = %s", (last,))
        connection.commit()
        told = json.dumps([receipt, [id for id, _ in applications]]) + body
        answers.basic_publish("", RECEIPTS, told.encode(), durable())
        channel.basic_ack(batch[-1][0], multiple=True)


def settle() -> None:
    connection, channel = session(options["courier_a"]), blocking_channel(options["a"])
    cursor = connection.cursor()
    for batch in batches(channel, RECEIPTS, COURIER_BATCH):
        ids: list[str] = []
        for receipt, of_one in read(batch):
            sending["receipt"].insert(cursor, [], id=receipt)
            cursor.execute(RECEIPTED, (receipt, of_one))
            cursor.execute("DELETE FROM due WHERE id = ANY(%s::uuid[])", (of_one,))
            cursor.execute("UPDATE link SET receipted = receipted + %s", (len(of_one),))
            ids += of_one
        connection.commit()
        channel.basic_ack(batch[-1][0], multiple=True)
        for id in ids:
            took.append(time.perf_counter() - begun.pop(id))
            window.release()
            finished.put(id)


def cross(wanted: int, at_once: int, in_flight: int) -> dict:
    took.clear()
    for _ in range(in_flight):
        window.release()
    began = time.perf_counter()
    writers = [in_thread(intake, range(first, wanted, at_once)) for first in range(at_once)]
    for _ in range(wanted):
        finished.get(timeout=60)
    seconds = time.perf_counter() - began
    for writer in writers:
        writer.join()
    for _ in range(in_flight):  # what came back is not kept for the next run
        window.acquire()
    return {"seconds": seconds, "receipted_ms": [round(1000 * each, 2) for each in took]}


def one(wanted: int, pause_s: float) -> dict:
    took.clear()
    connection = session(options["cases"])
    began = time.perf_counter()
    for _ in range(wanted):
        time.sleep(pause_s)
        take_in(connection.cursor())
        finished.get(timeout=60)
        window.acquire()
    connection.close()
    return {"seconds": time.perf_counter() - began, "receipted_ms": [round(1000 * each, 2) for each in took]}


DEEDS: dict[str, Callable[..., dict]] = {"cross": cross, "one": one}
declare()
seed()
for step in (relay, store, send, arrive, settle):
    in_thread(step)
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    deed, *arguments = json.loads(line)
    print(json.dumps(DEEDS[deed](*arguments)), flush=True)
