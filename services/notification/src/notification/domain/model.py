"""Notices, and the ways on which they reach a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # given up; on the operators' list
    SKIPPED = "skipped"  # no e-mail address is known here


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a case or ticket of a person."""

    #: "case" (办件) or "ticket" (工单).
    thing: str
    number: str
    #: The act, in the words of the service that tells it.
    event: str
    at: datetime
    #: Who is to be told, as this district knows them; empty where it does not.
    subject: str
    item_name_zh: str = ""
    item_name_en: str = ""
    #: How far the name can be relied on, in the words of the catalogue.
    item_provenance: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A notice in words, Chinese first."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told of one event; also the message in the app. `id` sorts by the time it was made."""

    id: str
    #: Number of the case or ticket.
    about: str
    event: str
    subject: str
    text: Text
    created_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on one channel. There is never a second one of the same notice and channel."""

    id: str
    notice_id: str
    about: str
    event: str
    channel: Channel
    state: DeliveryState
    created_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    #: Code of the last failed try; holds no address.
    last_error: str = ""
    #: The trace in which the person was told.
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this process alone may send until its lease ends."""

    delivery: Delivery
    subject: str
    text: Text
    until: datetime
