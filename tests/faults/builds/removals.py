"""The protections that a control lacks, one function each. What is left is what a service without the chassis would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from putting import put

# Events ---------------------------------------------------------------------------------------------------------------------


def acked_failures() -> None:
    """A message whose handler failed, or that nobody can read, is acked: nameko as it comes. No ladder, no parking, no wait."""
    from chassis.subscriber import consumer
    from chassis.subscriber.consumer import EventConsumer

    def fail(self: Any, work: Any, error: Exception) -> str:
        work.message.ack()
        return str(consumer.DONE)

    def handle(self: Any, subscriber: Any, event: Any, delivery: Any) -> str:
        with self._inbox(subscriber, delivery) as is_new:
            if is_new:
                self._call(subscriber, event, delivery)
        return str(consumer.DONE)

    put(EventConsumer, _fail=fail, _handle=handle)


def early_ack() -> None:
    """A message is acked when it comes, before its handler has committed."""
    from chassis.subscriber.consumer import EventConsumer

    take = EventConsumer._take

    def take_and_ack(self: Any, subscriber: Any, message: Any) -> None:
        message.ack()
        take(self, subscriber, message)

    put(EventConsumer, _take=take_and_ack)


def no_inbox() -> None:
    """Every delivery is handled, whether the event was handled before or not; notification tells every time."""
    from chassis.subscriber.consumer import EventConsumer

    @contextmanager
    def inbox(self: Any, subscriber: Any, delivery: Any) -> Iterator[bool]:
        with self._process.database.transaction() as connection:
            delivery.connection = connection
            yield True

    put(EventConsumer, _inbox=inbox)
    try:
        from notification.adapters import storage
    except ImportError:
        return

    def add(self: Any, notice: Any) -> bool:
        self._connection.execute(
            storage.insert(storage.notices).values(
                id=notice.id, about=notice.about, event=notice.event, subject=notice.subject, title=notice.text.title,
                body=notice.text.body, created_at=notice.created_at, read_at=notice.read_at,
            )
        )  # fmt: skip
        return True

    put(storage.Notices, add=add)


# Requests -------------------------------------------------------------------------------------------------------------------


def no_keys() -> None:
    """Every request acts, whatever its idempotency key."""
    import importlib

    import chassis.once

    def once(connection: Any, *, scope: str, key: str, digest: str, produce: Any) -> bytes:
        return bytes(produce())

    put(chassis.once, once=once)
    for name in ("hotline.adapters.storage", "case_routing.wiring"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        put(module, once=once)


# The relay ------------------------------------------------------------------------------------------------------------------


def no_confirms() -> None:
    """A row counts as sent once it was handed to the connection, or would have been."""
    from chassis.broker import BrokerGone, Confirm, Outcome
    from chassis.relay import Relay

    publish = Relay._publish

    def hopeful(self: Any, row: Any) -> Any:
        with suppress(BrokerGone):
            publish(self, row)
        confirm = Confirm()
        confirm.settle(Outcome.CONFIRMED)
        return confirm

    put(Relay, _publish=hopeful)


def no_resend() -> None:
    """A broker that comes back empty is taken for the one that was there before."""
    from chassis.relay import Relay

    def look(self: Any, channel: Any) -> None:
        self._marker_missing = False

    put(Relay, _look_for_marker=look)


def by_id() -> None:
    """The relay remembers the greatest id that it has sent, and looks for what comes after it."""
    from chassis import relay

    old = "confirmed_at IS NULL AND due_at <= statement_timestamp()\n        ORDER BY due_at"
    new = "confirmed_at IS NULL AND id > coalesce((SELECT max(id::text)::uuid FROM outbox WHERE confirmed_at IS NOT NULL), '00000000-0000-0000-0000-000000000000')\n        ORDER BY id"
    assert old in relay._TAKE, "the relay picks its rows in another way than this build knows"
    relay._TAKE = relay._TAKE.replace(old, new)
