"""Firms, mandates and proofs on PostgreSQL; storage.py holds the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from identity.adapters.sealing import Sealing
from identity.adapters.tables import firms, mandates, proofs
from identity.domain.firms import Firm, Mandate
from identity.domain.model import Assurance
from identity.domain.proofs import Proof, Way


class Firms:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, subject: str) -> Firm | None:
        return self._one(select(firms).where(firms.c.subject == subject))

    def get_for_change(self, subject: str) -> Firm | None:
        return self._one(select(firms).where(firms.c.subject == subject).with_for_update())

    def by_credit_code(self, credit_code: str) -> Firm | None:
        return self._one(select(firms).where(firms.c.credit_code == credit_code).with_for_update())

    def of_representative(self, subject: str) -> Sequence[Firm]:
        query = select(firms).where(firms.c.representative == subject).order_by(firms.c.name, firms.c.subject)
        return [_firm(row) for row in self._connection.execute(query)]

    def add(self, firm: Firm) -> bool:
        added = insert(firms).values(_firm_columns(firm)).on_conflict_do_nothing(index_elements=[firms.c.credit_code])
        return self._connection.execute(added.returning(firms.c.subject)).scalar() is not None

    def save(self, firm: Firm) -> None:
        self._connection.execute(update(firms).where(firms.c.subject == firm.subject).values(_firm_columns(firm)))

    def _one(self, query: Any) -> Firm | None:
        row = self._connection.execute(query).one_or_none()
        return _firm(row) if row else None


def _firm_columns(firm: Firm) -> dict[str, Any]:
    return vars(firm) | {"acr": firm.acr.value}


def _firm(row: Row[Any]) -> Firm:
    values = dict(row._mapping)
    return Firm(**values | {"acr": Assurance(row.acr)})


class Mandates:
    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    def get(self, id: str) -> Mandate | None:
        found = self._all(select(mandates).where(mandates.c.id == id).with_for_update())
        return found[0] if found else None

    def of_handler(self, id_number: str) -> Sequence[Mandate]:
        numbers = self._sealing.id_number_hashes(id_number)
        return self._all(select(mandates).where(mandates.c.handler_hash.in_(numbers)).order_by(mandates.c.id))

    def of_firm(self, firm: str) -> Sequence[Mandate]:
        query = select(mandates).where(mandates.c.firm == firm)
        return self._all(query.order_by(mandates.c.granted_at.desc(), mandates.c.id))

    def add(self, mandate: Mandate) -> None:
        def sealed(column: str, text: str) -> bytes | None:
            return self._sealing.seal(column, mandate.id, text, "mandates")

        values = {name: value for name, value in vars(mandate).items() if not name.startswith("handler_")}
        values |= {
            "item_codes": sorted(mandate.item_codes),
            "handler_hash": self._sealing.id_number_hash(mandate.handler_number),
            "handler_name_sealed": sealed("handler_name", mandate.handler_name),
            "handler_number_sealed": sealed("handler_number", mandate.handler_number),
        }
        self._connection.execute(insert(mandates).values(values))

    def save(self, mandate: Mandate) -> None:
        ended = {"ended_by": mandate.ended_by, "ended_at": mandate.ended_at}
        self._connection.execute(update(mandates).where(mandates.c.id == mandate.id).values(ended))

    def _all(self, query: Any) -> Sequence[Mandate]:
        return [self._mandate(row) for row in self._connection.execute(query)]

    def _mandate(self, row: Row[Any]) -> Mandate:
        def opened(column: str) -> str:
            return self._sealing.open(column, row.id, getattr(row, f"{column}_sealed"), "mandates")

        return Mandate(
            row.id,
            row.firm,
            opened("handler_name"),
            opened("handler_number"),
            row.starts_at,
            row.ends_at,
            frozenset(row.item_codes),
            row.granted_by,
            row.granted_at,
            row.ended_by,
            row.ended_at,
        )


class Proofs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, proof: Proof) -> None:
        self._connection.execute(insert(proofs).values(vars(proof) | {"way": proof.way.value}))

    def of(self, subject: str) -> Sequence[Proof]:
        query = select(proofs).where(proofs.c.subject == subject).order_by(proofs.c.at.desc(), proofs.c.id.desc())
        return [
            Proof(row.id, row.subject, Way(row.way), row.source, row.by, row.at)
            for row in self._connection.execute(query)
        ]
