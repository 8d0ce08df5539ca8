"""The public API shows what the contracts say: no field forgotten, none invented, every word of every enum."""

from __future__ import annotations

import typing

import pytest
from gateway.messages import (
    case_routing,
    catalogue,
    common,
    courier,
    hotline,
    identity,
    notification,
    terminal_fleet,
    view,
    words,
)
from gateway.schemas import accounts, cases, items, kiosks, links, notices, tickets
from gateway.schemas import common as shared

SHOWN = [
    (catalogue.Item, items.Item),
    (catalogue.MaterialRequirement, items.MaterialRequirement),
    (case_routing.Case, cases.Case),
    (case_routing.Responsibility, cases.Responsibility),
    (case_routing.Material, cases.Material),
    (case_routing.CustodyEntry, cases.CustodyEntry),
    (case_routing.Decision, cases.Decision),
    (case_routing.CaseTrace, cases.CaseTrace),
    (common.TimelineEntry, shared.TimelineEntry),
    (notification.InAppMessage, notices.InAppMessage),
    (notification.Delivery, notices.Delivery),
    (terminal_fleet.Kiosk, kiosks.Kiosk),
    (terminal_fleet.RecordHeartbeatResponse, kiosks.Heartbeat),
    (hotline.Ticket, tickets.Ticket),
    (courier.Link, links.Link),
    (courier.SentMessage, links.SentMessage),
    (courier.QuarantinedMessage, links.QuarantinedMessage),
    (identity.Account, accounts.Account),
]
#: Fields that the API keeps to itself: the content of a material stays with its custodian.
HIDDEN = {(case_routing.Material, "content")}


@pytest.mark.parametrize(("message", "model"), SHOWN, ids=lambda kind: kind.__name__)
def test_an_answer_has_exactly_the_contract_s_fields(message, model):
    expected = {field.name for field in message.DESCRIPTOR.fields if (message, field.name) not in HIDDEN}
    assert set(model.model_fields) == expected


@pytest.mark.parametrize(("message", "model"), SHOWN, ids=lambda kind: kind.__name__)
def test_an_answer_may_say_every_word_of_the_contract_s_enums(message, model):
    for field in message.DESCRIPTOR.fields:
        if field.enum_type is not None:
            said = {word for word in words(field.enum_type).values() if word}
            assert _words(model.model_fields[field.name].annotation) == said, field.name


@pytest.mark.parametrize(("message", "model"), SHOWN, ids=lambda kind: kind.__name__)
def test_an_empty_and_a_full_message_are_both_shown(message, model):
    model.model_validate(view(message()))
    shown = model.model_validate(view(_full(message))).model_dump()
    assert not [name for name, value in shown.items() if value in (None, "", 0, [])]


def _words(annotation) -> set[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return set(typing.get_args(annotation))
    return set().union(*(_words(part) for part in typing.get_args(annotation) if part is not type(None)), set())


def _full(kind):
    """A message with something in every field."""
    made = kind()
    for field in kind.DESCRIPTOR.fields:
        target = getattr(made, field.name)
        if field.message_type is not None:
            if field.message_type.full_name == "google.protobuf.Timestamp":
                target.FromJsonString("2026-11-23T01:00:00Z")
            elif field.is_repeated:
                target.add().CopyFrom(_full(type(target.add())))
                del target[0]
            else:
                target.CopyFrom(_full(type(target)))
            continue
        value = {field.TYPE_STRING: "320508", field.TYPE_BYTES: b"x", field.TYPE_BOOL: True}.get(field.type, 1)
        if field.is_repeated:
            target.append(value)
        else:
            setattr(made, field.name, value)
    return made
