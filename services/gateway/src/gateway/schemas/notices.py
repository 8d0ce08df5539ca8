"""Messages to a person, and how notices went out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.common import Given, Moment


class InAppMessage(Given):
    id: str
    title: str
    body: str
    created_at: Moment | None
    read: bool
    about: Annotated[str, Field(description="The case or ticket it is about.")]


class Delivery(Given):
    """One notice on one channel; no address."""

    id: str
    about: str
    event: str
    channel: Literal["in_app", "email"] | None
    state: Annotated[
        Literal["waiting", "sent", "failed", "skipped"] | None,
        Field(description="`failed`: given up after the last try; `skipped`: no address is known here."),
    ]
    attempts: int
    created_at: Moment | None
    sent_at: Moment | None
    last_error: str
