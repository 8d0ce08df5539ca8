"""Accounts, as operators may act on them."""

from __future__ import annotations

from typing import Annotated

from gateway.schemas.common import Given, Sent, example, line


class DisablingSent(Sent):
    reason: Annotated[str, line(500)]

    model_config = example({"reason": "reported stolen"})


class Account(Given):
    subject: str
    enabled: bool
    version: int
