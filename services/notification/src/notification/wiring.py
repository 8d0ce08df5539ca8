"""Puts notification together; nothing connects before it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from chassis.logs import get_logger
from chassis.process import Process
from chassis.subscriber import Delivery
from chassis.telemetry import counter, span

from notification.adapters.remote import IdentityContacts
from notification.adapters.smtp import SmtpMailer, SmtpServer
from notification.adapters.storage import Work
from notification.domain.model import Claimed, DeliveryState
from notification.settings import REQUIRED, Settings
from notification.usecases.ports import Contacts, Mailer

log = get_logger(__name__)

MAILS = counter("tongban_mails_total", "Tries to send a mail, by the state after it.", "state")


@dataclass(frozen=True)
class App:
    """What the service's methods work with."""

    process: Process
    portal_url: str
    contacts: Contacts
    mailer: Mailer

    def now(self) -> datetime:
        return self.process.clock.now()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A transaction of its own: committed at the end, rolled back by an error."""
        with self.process.database.transaction() as connection:
            yield Work(connection)

    def join(self, delivery: Delivery) -> Work:
        """The transaction in which an event is handled once."""
        return Work(delivery.connection)

    @contextmanager
    def watch(self, claimed: Claimed) -> Iterator[Callable[[DeliveryState, str], None]]:
        """A try as a span in the trace in which the person was told; counted, and logged by its code if it failed."""
        attempt = {"tongban.attempt": claimed.delivery.attempts}
        with span("send mail", kind="client", attributes=attempt, parent=claimed.delivery.traceparent) as current:

            def report(state: DeliveryState, error: str) -> None:
                MAILS.labels(state.value).inc()
                current.set_attribute("tongban.outcome", state.value)
                if error:
                    log.warning("mail not sent", state=state.value, error=error, delivery=claimed.delivery.id)

            yield report


def build(process: Process) -> App:
    settings = cast(Settings, process.settings)
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        starttls_required=settings.smtp_starttls == REQUIRED,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )
    mailer = SmtpMailer(server, settings.mail_from)
    return App(process, settings.portal_url, IdentityContacts(process.caller), mailer)
