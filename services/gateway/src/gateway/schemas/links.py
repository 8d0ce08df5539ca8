"""The signed links to other districts, as operators see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.common import Given, Moment


class Link(Given):
    peer: str
    state: Literal["up", "down", "suspended", "closed", "new"] | None
    last_canary_at: Moment | None
    round_trip_ms: float
    clock_difference_ms: Annotated[float, Field(description="The peer's clock minus ours.")]
    waiting: int
    oldest_waiting_s: float
    sent: int
    receipted: int
    received: int
    refused_by_peer: int
    refused_here: int
    registry_version: int
    lights: Annotated[list[str], Field(description='Lights that are on: "old_message", "clock" …')]
    connected: Annotated[bool, Field(description="Whether there is a connection now; health is `state` alone.")]
    no_connection_since: Moment | None


class Links(Given):
    items: list[Link]


MessageState = Literal["waiting", "published", "receipted", "refused", "expired"]


class SentMessage(Given):
    """A message on its way to a peer; no content."""

    id: str
    peer: str
    epoch: int
    number: int
    subject: str
    type: str
    state: MessageState | None
    created_at: Moment | None
    receipted_at: Moment | None
    attempts: int
    refusal_code: str


class QuarantinedMessage(Given):
    """Something that arrived and could not be authenticated."""

    id: str
    arrived_at: Moment | None
    written_by: str
    code: str
    size: int
