"""Send the mails that are due: claim under a lease, ask for the address, send, mark; no transaction is open meanwhile.

A crash between the server's "250" and the mark sends the mail again once the lease has ended. Its Message-ID and every
other octet are the same, so mail systems that drop repeated ids show it once; SMTP itself cannot promise more
(RFC 5321 section 4.2.5 knows this gap).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from notification.domain.errors import MailError
from notification.domain.model import Claimed, DeliveryState
from notification.domain.policies import BATCH, ENOUGH, LEASE, next_try
from notification.usecases.ports import Contacts, Mailer, OpenWork

NO_ADDRESS = "no_address"

Watch = Callable[[Claimed], AbstractContextManager[Callable[[DeliveryState, str], None]]]


def send_due_mail(
    open_work: OpenWork,
    contacts: Contacts,
    mailer: Mailer,
    *,
    now: Callable[[], datetime],
    watch: Watch,
) -> int:
    """How many mails were tried. `watch` is opened around each; it hears the state after it and, if it did not go out, why."""
    with open_work() as work:
        claims = work.deliveries.claim(now(), most=BATCH, until=now() + LEASE)
    tried = 0
    for claimed in claims:
        if claimed.until - now() < ENOUGH:
            break  # servers were slow: the rest is due again when the lease ends, for whoever comes first
        with watch(claimed) as report:
            report(*_send(open_work, contacts, mailer, claimed, now))
        tried += 1
    return tried


def _send(
    open_work: OpenWork, contacts: Contacts, mailer: Mailer, claimed: Claimed, now: Callable[[], datetime]
) -> tuple[DeliveryState, str]:
    try:
        to = contacts.email_of(claimed.subject)
        if to:
            mailer.send(claimed, to)
    except MailError as error:
        again = next_try(claimed.delivery.attempts, now()) if error.again else None
        with open_work() as work:
            work.deliveries.mark_failed(claimed, error.code, again)
        return (DeliveryState.WAITING if again else DeliveryState.FAILED), error.code
    with open_work() as work:
        if to:
            work.deliveries.mark_sent(claimed.delivery.id, now())
            return DeliveryState.SENT, ""
        work.deliveries.mark_skipped(claimed, NO_ADDRESS)
        return DeliveryState.SKIPPED, NO_ADDRESS
