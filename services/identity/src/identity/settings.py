"""Settings of identity's two processes, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chassis.process import ChassisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """Of the bus process: what every service process has, and whose signature the registry of districts must carry."""

    #: JWK with the public half of the alliance's root key.
    alliance_root: Path
