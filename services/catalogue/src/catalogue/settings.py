"""What the catalogue is told by its environment: nothing beyond what every service is told."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.process import ChassisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """See the README's table."""
