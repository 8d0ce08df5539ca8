"""Notification's contract ↔ its domain; the only module that knows generated code."""

from __future__ import annotations

from chassis.contracts import EnumWords, moment, timestamp, word_of
from chassis.paging import Page
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed
from tongban.common.v1 import common_pb2 as common
from tongban.hotline.v1.hotline_pb2 import TicketProgressed
from tongban.identity.v1.identity_pb2 import Contact, GetContactRequest
from tongban.notification.v1 import notification_pb2 as pb

from notification.domain.model import Channel, Delivery, DeliveryState, Happening, Notice
from notification.domain.policies import deserves_notice

__all__ = ["CONTRACT", "CaseProgressed", "Contact", "TicketProgressed"]

CONTRACT = pb.DESCRIPTOR.services_by_name["NotificationService"]

_CHANNEL = EnumWords(Channel, pb.Channel, "CHANNEL")
_STATE = EnumWords(DeliveryState, pb.DeliveryState, "DELIVERY_STATE")


def of_case(event: CaseProgressed) -> Happening:
    return Happening(
        thing="case",
        number=event.number,
        event=event.event,
        at=moment(event.at),
        subject=event.applicant_subject,
        item_name_zh=event.item_name_zh,
        item_name_en=event.item_name_en,
        item_provenance=word_of(common.Provenance, event.item_provenance, "PROVENANCE"),
    )


def of_ticket(event: TicketProgressed) -> Happening:
    return Happening(
        thing="ticket", number=event.number, event=event.event, at=moment(event.at), subject=event.opener_subject
    )


def case_deserves_notice(event: CaseProgressed) -> bool:
    return deserves_notice(of_case(event))


def ticket_deserves_notice(event: TicketProgressed) -> bool:
    return deserves_notice(of_ticket(event))


def contact_request(subject: str) -> GetContactRequest:
    return GetContactRequest(subject=subject)


def message(notice: Notice) -> pb.InAppMessage:
    return pb.InAppMessage(
        id=notice.id,
        title=notice.text.title,
        body=notice.text.body,
        created_at=timestamp(notice.created_at),
        read=notice.read_at is not None,
        about=notice.about,
    )


def messages_page(page: Page[Notice]) -> pb.ListMessagesResponse:
    return pb.ListMessagesResponse(messages=page.map(message), page=common.PageInfo(next=page.next))


def delivery_to_wire(delivery: Delivery) -> pb.Delivery:
    return pb.Delivery(
        id=delivery.id,
        about=delivery.about,
        event=delivery.event,
        channel=_CHANNEL.number(delivery.channel),
        state=_STATE.number(delivery.state),
        attempts=delivery.attempts,
        created_at=timestamp(delivery.created_at),
        sent_at=timestamp(delivery.sent_at),
        last_error=delivery.last_error,
    )


def deliveries_page(page: Page[Delivery]) -> pb.ListDeliveriesResponse:
    return pb.ListDeliveriesResponse(deliveries=page.map(delivery_to_wire), page=common.PageInfo(next=page.next))
