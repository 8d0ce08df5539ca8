"""Makes this side's part of a case's evidence: what the log shows, up to the log's head, signed now."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from courier.domain.chain import Head
from courier.domain.evidence import Part, SignedPart, statement_of, write_part
from courier.usecases.ports import Seals


class EvidenceReader(Protocol):
    """Reads the log."""

    def evidence(self, subject: str) -> tuple[Part, Head, Head] | None: ...


def export_evidence(
    work: EvidenceReader, seals: Seals, *, subject: str, district: str, now: datetime
) -> dict[str, Any] | None:
    """The part as it stands in the file; None where this district knows nothing about the subject."""
    found = work.evidence(subject)
    if found is None:
        return None
    part, before, head = found
    statement = statement_of(part, district=district, subject=subject, at=now, before=before, head=head)
    return write_part(SignedPart(seals.sign(statement.encode(), now), part))
