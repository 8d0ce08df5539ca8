"""The terminal fleet's transaction on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from chassis.once import once
from chassis.outbox import Outbox
from chassis.paging import Wish
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from terminal_fleet import messages
from terminal_fleet.adapters.tables import kiosks, peers
from terminal_fleet.domain.errors import KeyTaken
from terminal_fleet.domain.events import KioskChanged, PlacementOffered, ToDistrict
from terminal_fleet.domain.model import Health, Kiosk, Placement

#: What an agreement names to allow another district's kiosks.
OPENS = "kiosk"
_ONE_KIOSK_A_KEY = "kiosks_key"


class Work:
    """One transaction of the terminal fleet of `district`."""

    def __init__(self, connection: Connection, outbox: Outbox, district: str) -> None:
        self.district = district
        self.kiosks = Kiosks(connection, district)
        self.peers = Peers(connection)
        self._connection = connection
        self._outbox = outbox

    def once(self, scope: str, key: str, digest: str, act: Callable[[], Kiosk]) -> str:
        """The id of the kiosk that `act` returned the first time; the same key acts once."""

        def produce() -> bytes:
            return act().id.encode()

        return once(self._connection, scope=scope, key=key, digest=digest, produce=produce).decode()

    def record(self, event: KioskChanged) -> None:
        subject = messages.subject_of(event.kiosk.id)
        self._outbox.publish(messages.event_to_wire(event), subject=subject, version=event.kiosk.version)

    def send(self, message: ToDistrict, target: str) -> str:
        offer = isinstance(message, PlacementOffered)
        kiosk_id = message.kiosk.id if isinstance(message, PlacementOffered) else message.kiosk_id
        wire, subject = messages.message_to_wire(message), messages.subject_of(kiosk_id)
        return str(self._outbox.send(wire, target=target, subject=subject, opens=OPENS if offer else ""))


class Kiosks:
    """Kiosks that this district owns or hosts, by id."""

    def __init__(self, connection: Connection, district: str) -> None:
        self._connection = connection
        self._district = district

    def get(self, id: str) -> Kiosk | None:
        row = self._connection.execute(select(kiosks).where(kiosks.c.id == id)).one_or_none()
        return self._kiosk(row) if row else None

    def get_for_change(self, id: str) -> Kiosk | None:
        if (found := self._locked(id)) is not None:
            return found
        # A lock on the id rather than a row: whoever adds it meanwhile is waited for.
        self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(id, 0))))
        return self._locked(id)

    def _locked(self, id: str) -> Kiosk | None:
        row = self._connection.execute(select(kiosks).where(kiosks.c.id == id).with_for_update()).one_or_none()
        return self._kiosk(row) if row else None

    def holder_of(self, key_thumbprint: str) -> str | None:
        return self._connection.execute(select(kiosks.c.id).where(kiosks.c.key_thumbprint == key_thumbprint)).scalar()

    def save(self, kiosk: Kiosk) -> None:
        row = {**vars(kiosk), "placement": kiosk.placement.value, "health": kiosk.health.value}
        del row["district"]
        try:
            self._connection.execute(insert(kiosks).values(row).on_conflict_do_update(index_elements=["id"], set_=row))
        except IntegrityError as error:
            if getattr(getattr(error.orig, "diag", None), "constraint_name", "") == _ONE_KIOSK_A_KEY:
                raise KeyTaken from error
            raise

    def list(self, wish: Wish) -> Sequence[Kiosk]:
        query = select(kiosks)
        if wish.after is not None:
            query = query.where(kiosks.c.id > wish.after[0])
        rows = self._connection.execute(query.order_by(kiosks.c.id).limit(wish.size + 1))
        return [self._kiosk(row) for row in rows]

    def online_before(self, moment: datetime, limit: int) -> Sequence[Kiosk]:
        rows = self._connection.execute(
            select(kiosks)
            .where(
                kiosks.c.health == Health.ONLINE.value, kiosks.c.client_id != "", kiosks.c.last_heartbeat_at < moment
            )
            .order_by(kiosks.c.last_heartbeat_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [self._kiosk(row) for row in rows]

    def _kiosk(self, row: Row[Any]) -> Kiosk:
        values = {**row._mapping, "placement": Placement(row.placement), "health": Health(row.health)}
        return Kiosk(**values, district=self._district)


class Peers:
    """The districts with which this one has an agreement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, code: str) -> None:
        self._connection.execute(insert(peers).values(code=code).on_conflict_do_nothing())

    def has(self, code: str) -> bool:
        return self._connection.execute(select(peers.c.code).where(peers.c.code == code)).scalar() is not None
