"""Identity, asked over the bus where a person can be reached. The answer is used and forgotten."""

from __future__ import annotations

from typing import Protocol, TypeVar

from chassis.errors import Fault, Kind
from google.protobuf.message import Message

from notification import messages
from notification.domain.errors import MailError

M = TypeVar("M", bound=Message)

TIMEOUT_S = 5.0


class Caller(Protocol):
    """`chassis.caller.RpcCaller`, as far as it is used here."""

    def call(
        self,
        service: str,
        method: str,
        request: Message,
        response_type: type[M],
        *,
        timeout_s: float = ...,
        assertion: str | None = ...,
    ) -> M: ...


class IdentityContacts:
    """Addresses as identity knows them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def email_of(self, subject: str) -> str:
        """The address; empty where identity does not know the person (their home is elsewhere) or has none of theirs."""
        try:
            request = messages.contact_request(subject)
            return self._caller.call("identity", "get_contact", request, messages.Contact, timeout_s=TIMEOUT_S).email
        except Fault as fault:
            if fault.kind is Kind.NOT_FOUND:
                return ""
            raise MailError(f"contact.{fault.code}", again=True) from fault
