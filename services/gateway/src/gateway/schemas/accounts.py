"""Accounts, as operators and clerks may act on them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.schemas.common import Given, Sent, example, line


class DisablingSent(Sent):
    reason: Annotated[str, line(500)]

    model_config = example({"reason": "reported stolen"})


class Account(Given):
    subject: str
    enabled: bool
    version: int


class ProofSent(Sent):
    """Who stands at the window, as it stands on their document."""

    login: Annotated[str, line(64)]
    name: Annotated[str, line(64)]
    id_number: Annotated[str, line(18), Field(description="Citizen identity number (GB 11643).")]

    model_config = example({"login": "citizen2", "name": "样例邻居", "id_number": "110101188001010134"})


class ProvenAccount(Given):
    subject: str
    acr: Annotated[str, Field(description="`L5`: the strongest there is.")]
    version: int
