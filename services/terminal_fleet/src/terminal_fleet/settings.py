"""What the terminal fleet is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.process import ChassisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """See the README's table."""

    #: Seconds after which a kiosk is to send its next heartbeat.
    heartbeat_interval_s: int = 30
    #: Seconds without one after which it counts as silent.
    silent_after_s: float = 90.0

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_interval_s < self.silent_after_s:
            raise ValueError(
                "TONGBAN_SILENT_AFTER_S: must be above TONGBAN_HEARTBEAT_INTERVAL_S, which must be above 0"
            )
