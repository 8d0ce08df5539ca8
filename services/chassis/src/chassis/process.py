"""What a service's wiring is given, and the settings that every service process has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nameko.extensions import DependencyProvider
from sqlalchemy import Connection

from chassis.clock import Clock, NewId
from chassis.sealed import FieldKeys, TransitSeal
from chassis.settings import at_least, secret

if TYPE_CHECKING:  # importing settings must not patch the process that does it, as the caller's module does
    from chassis.caller import RpcCaller
    from chassis.database import Database
    from chassis.outbox import Outbox

#: Key of the Process in the nameko container's config.
PROCESS = "process"


@dataclass(frozen=True, kw_only=True)
class ChassisSettings:
    """Settings of every service process; a service's own dataclass inherits from it."""

    #: Six-digit division code (GB/T 2260) of the district this process works for.
    district: str
    #: The name on the bus; equals the broker user, which the broker checks on every message.
    service_name: str
    amqp_url: str = secret()
    database_url: str = secret()
    #: Keys of 32 octets in base64, separated by commas, for personal data at rest: the first seals, every one opens.
    field_key: FieldKeys = secret()
    #: One or more keys of 32 octets in base64, separated by commas, the same in every service of the district: the first
    #: seals messages for and from other districts on their way through this one, every one opens them.
    transit_key: TransitSeal = secret()
    #: JWKS with the public keys that the edge signs assertions with.
    edge_keys: Path
    #: Base URL of an OTLP/HTTP collector; empty: spans stay here.
    otlp_endpoint: str = ""
    #: host:port of /livez, /readyz and /metrics; port 0 takes a free one.
    health_address: str = "127.0.0.1:0"
    #: Whether a stock client without a user id may call; only where people try things out.
    trial: bool = False
    max_workers: int = 50
    #: Calls that may wait for a worker before callers are told `rpc.overloaded`.
    rpc_queue_limit: int = 200
    #: Seconds that running work gets to finish after SIGTERM.
    drain_s: float = 20.0
    #: Days that an inbox row stays after its message was handled; the message may come again for 37 (database/retention.py).
    inbox_keep_days: int = at_least(38, default=45)
    #: Days that an idempotency key is remembered.
    once_keep_days: int = at_least(1, default=30)
    #: Seconds a message waits on each rung after its handler failed.
    retry_ladder: tuple[str, ...] = ("1", "10", "60", "600")

    def fixed_keys(self) -> Mapping[str, tuple[str, str]]:
        """Keys that must never be others than when the district began: kind → setting and id (chassis.resealing)."""
        return {}


@dataclass(frozen=True)
class Process:
    """The parts of the running process that a service's adapters are built from."""

    settings: ChassisSettings
    clock: Clock
    new_id: NewId
    database: Database
    caller: RpcCaller

    @property
    def transit(self) -> TransitSeal:
        """Seals and opens messages for and from other districts."""
        return self.settings.transit_key

    def outbox(self, connection: Connection) -> Outbox:
        """The outbox inside the open transaction of `connection`."""
        from chassis.outbox import Outbox

        return Outbox(connection, self.settings.service_name, self.clock, self.new_id, self.transit)


class Wired(DependencyProvider):
    """Gives every worker the one object that the service's `wiring.build` made of the process."""

    def __init__(self, build: Callable[[Process], Any]) -> None:
        self.build = build
        self.app: Any = None

    def setup(self) -> None:
        self.app = self.build(self.container.config[PROCESS])

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self.app
