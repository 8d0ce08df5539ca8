"""Settings of identity's two processes, from `TONGBAN_…` in the environment; see README, Settings."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.process import ChassisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """Of the bus process: what every service process has, and nothing else."""
