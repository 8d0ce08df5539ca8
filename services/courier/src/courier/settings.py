"""What the courier is told by its environment, beside what every service is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chassis.process import ChassisSettings

from courier.domain.envelope import MAX_BODY
from courier.domain.manifest import MAX_WHOLE

#: Protections that a test build may lack, to show what they are for or what they cost.
REMOVABLE = frozenset({"security", "replay", "receipt", "late_ack"})
CRASH_POINTS = frozenset(
    {
        "before_commit",
        "after_commit_before_ack",
        "after_publish_before_confirm",
        "after_confirm_before_marked",
        "after_peer_commit_before_receipt",
        "after_receipt_before_closed",
        "while_log_written",
    }
)


#: Points that only a body in chunks comes to.
CHUNK_CRASH_POINTS = frozenset({"after_chunks_stored"})
#: The smallest limit of a body that a courier may have: what fits into one envelope.
LEAST_LIMIT = MAX_BODY


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """See the README's table."""

    #: JWKS with the district's private signing and sealing keys (courier.keys).
    courier_keys: Path
    #: JWK with the public half of the alliance's root key.
    courier_root: Path
    #: Our own broker's vhost `courier`: amqps://host:port/courier?cacertfile=…&certfile=…&keyfile=… (user courier.local).
    courier_inbox_url: str
    #: Client certificate and key with which peers' brokers know us (common name courier.<our code>).
    courier_certificate: Path
    courier_certificate_key: Path
    #: Seconds between two canaries to a peer.
    courier_canary_s: float = 60.0
    #: Seconds until a message without a receipt goes out again; doubles each time, up to ten minutes.
    courier_retry_s: float = 10.0
    #: Messages that get their number, or are taken, in one transaction.
    courier_batch: int = 200
    #: Octets of the largest body that is sent or taken; above 760 KiB it crosses in chunks (ADR 0013).
    courier_body_limit: int = 16 * 1024 * 1024
    #: Days that a sent envelope is kept after its receipt.
    courier_keep_days: int = 30
    #: Ages in seconds after which a light goes on.
    courier_old_message_s: float = 900.0
    courier_no_canary_s: float = 180.0
    courier_no_answer_s: float = 86_400.0
    courier_clock_s: float = 30.0
    courier_missing_s: float = 300.0
    #: Test builds only: protections to leave out (security, replay, receipt, late_ack). Refused unless trial.
    courier_without: tuple[str, ...] = ()
    #: Test builds only: the point at which the process kills itself. Refused unless trial.
    crash_at: str = ""
    #: Test builds only: a file whose text names the point; the first to reach it removes the file. Refused unless trial.
    crash_file: str = ""

    def __post_init__(self) -> None:
        if not self.trial and (self.courier_without or self.crash_at or self.crash_file):
            raise ValueError(
                "TONGBAN_COURIER_WITHOUT, TONGBAN_CRASH_AT and TONGBAN_CRASH_FILE are for test builds only"
            )
        if unknown := set(self.courier_without) - REMOVABLE:
            raise ValueError(f"TONGBAN_COURIER_WITHOUT: knows {sorted(REMOVABLE)}, not {sorted(unknown)}")
        if self.crash_at and self.crash_at not in CRASH_POINTS | CHUNK_CRASH_POINTS:
            raise ValueError(f"TONGBAN_CRASH_AT: knows {sorted(CRASH_POINTS | CHUNK_CRASH_POINTS)}")
        if not LEAST_LIMIT <= self.courier_body_limit <= MAX_WHOLE:
            raise ValueError(f"TONGBAN_COURIER_BODY_LIMIT: {LEAST_LIMIT} to {MAX_WHOLE}")
        if not 1 <= self.courier_batch <= 1000:
            raise ValueError("TONGBAN_COURIER_BATCH: 1 to 1000")
