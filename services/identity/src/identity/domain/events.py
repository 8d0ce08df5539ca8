"""What identity tells others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AccountDisabled:
    """An account was shut out; `version` is the account's."""

    subject: str
    reason: str
    version: int
