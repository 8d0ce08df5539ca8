"""Settings of identity's two processes, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chassis.process import ChassisSettings

from identity.adapters.sealing import fixed_keys


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """Of the bus process: what every service process has, and whose signature the registry of districts must carry."""

    #: JWK with the public half of the alliance's root key.
    alliance_root: Path
    #: 32 octets in base64 that pairwise subjects are made with; empty: made from the field key, as long as that was never changed.
    pairwise_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.fixed_keys()

    def fixed_keys(self) -> Mapping[str, tuple[str, str]]:
        return fixed_keys(self.field_key, self.pairwise_key)
