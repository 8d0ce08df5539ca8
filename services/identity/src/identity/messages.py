"""Identity's contract ↔ its domain; the only module that imports generated contracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from chassis.contracts import moment, timestamp
from tongban.courier.v1.courier_pb2 import RegistryInstalled
from tongban.identity.v1 import identity_pb2 as pb

from identity.domain import events
from identity.domain.firms import Firm, Standing
from identity.domain.model import Account, Client

__all__ = ["CONTRACT", "RegistryInstalled"]

CONTRACT = pb.DESCRIPTOR.services_by_name["IdentityService"]


def applicant(account: Account, pairwise_subject: str) -> pb.Applicant:
    return pb.Applicant(
        subject=account.subject,
        name=account.person.name,
        id_number=account.person.id_number,
        acr=account.acr.value,
        pairwise_subject=pairwise_subject,
        kind="person",
    )


def firm_applicant(held: Standing, by: Account, pairwise: Callable[[str], str]) -> pb.Applicant:
    """The firm, with who acts for it; as strong as the weaker proof of the two."""
    firm = held.firm
    return pb.Applicant(
        subject=firm.subject,
        name=firm.name,
        id_number=firm.credit_code,
        acr=min(firm.acr, by.acr).value,
        pairwise_subject=pairwise(firm.subject),
        kind="firm",
        handler_name=by.person.name,
        handler_pairwise_subject=pairwise(by.subject),
        item_codes=sorted(held.item_codes),
    )


def contact(account: Account) -> pb.Contact:
    person = account.person
    return pb.Contact(subject=account.subject, email=person.email, phone=person.phone, language=person.language)


def client(client: Client) -> pb.Client:
    return pb.Client(
        client_id=client.client_id,
        roles=sorted(role.value for role in client.roles),
        enabled=client.enabled,
        registered_at=timestamp(client.registered_at),
    )


def ended_sessions(sids: Sequence[str], until: datetime) -> pb.ListEndedSessionsResponse:
    return pb.ListEndedSessionsResponse(sids=sids, until=timestamp(until))


def since(request: pb.ListEndedSessionsRequest) -> datetime | None:
    return moment(request.since) if request.HasField("since") else None


def account(account: Account | Firm) -> pb.Account:
    return pb.Account(subject=account.subject, enabled=account.enabled, version=account.version)


def proven_account(account: Account) -> pb.ProvenAccount:
    return pb.ProvenAccount(subject=account.subject, acr=account.acr.value, version=account.version)


def event_to_wire(event: events.AccountDisabled) -> pb.AccountDisabled:
    return pb.AccountDisabled(subject=event.subject, reason=event.reason, version=event.version)
