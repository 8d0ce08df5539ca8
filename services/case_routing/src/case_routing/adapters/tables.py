"""The tables of cases. What names a person is sealed (chassis.sealed); who is who is only a subject."""

from __future__ import annotations

import sqlalchemy as sa
from chassis.database import messaging_tables
from chassis.resealing import SealedTable, SealedTables, field_keys_table
from sqlalchemy.dialects.postgresql import BYTEA

metadata = sa.MetaData()
messaging = messaging_tables(metadata)
field_keys = field_keys_table(metadata)

_moment = sa.DateTime(timezone=True)
_text = sa.Text(collation="C")


def _number() -> sa.Column[str]:
    return sa.Column("number", _text, sa.ForeignKey("cases.number"), primary_key=True)


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("number", _text, primary_key=True),
    sa.Column("item_code", _text, nullable=False),
    sa.Column("item_name_zh", sa.Text, nullable=False),
    sa.Column("item_name_en", sa.Text, nullable=False),
    sa.Column("item_mode", sa.Text, nullable=False),
    sa.Column("item_provenance", sa.Text, nullable=False),
    sa.Column("intake", _text, nullable=False),
    sa.Column("handling", _text, nullable=False),
    sa.Column("applicant_subject", _text, nullable=False),
    sa.Column("applicant_peer_subject", _text, nullable=False),
    sa.Column("applicant_home", _text, nullable=False),
    sa.Column("applicant_acr", sa.Text, nullable=False),
    #: A firm's: who acts for it.
    sa.Column("applicant_kind", sa.Text, nullable=False, server_default="person"),
    sa.Column("handler_subject", _text, nullable=False, server_default=""),
    sa.Column("handler_peer_subject", _text, nullable=False, server_default=""),
    #: Name, citizen number or credit code, and the handler's name.
    sa.Column("applicant_sealed", BYTEA, nullable=False),
    sa.Column("kiosk_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("holder", _text, nullable=False),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("offered_to", _text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    #: Courier message of the open or latest offer.
    sa.Column("offer_id", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    #: Granted, document number, time and district are plain; reasons may be personal.
    sa.Column("granted", sa.Boolean),
    sa.Column("reasons_sealed", BYTEA),
    sa.Column("document_no", sa.Text),
    sa.Column("decided_at", _moment),
    sa.Column("decided_by", sa.Text),
    sa.Column("submitted_at", _moment, nullable=False),
    sa.Column("received_at", _moment),
    sa.Column("accepted_at", _moment),
    sa.Column("closed_at", _moment),
    sa.Column("updated_at", _moment, nullable=False),
    sa.Column("attention", sa.Text, nullable=False),
    #: What a clerk here has to do next; empty when nothing waits.
    sa.Column("due_act", sa.Text, nullable=False),
)
sa.Index("cases_of_applicant", cases.c.applicant_subject, cases.c.submitted_at.desc(), cases.c.number.desc())
sa.Index("cases_due", cases.c.submitted_at, cases.c.number, postgresql_where=cases.c.due_act != "")

history = sa.Table(
    "case_history",
    metadata,
    _number(),
    sa.Column("district", _text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("trace", sa.Text, nullable=False),
    #: When the entry became known here; `at` is when the act was done.
    sa.Column("known_at", _moment, nullable=False, server_default=sa.func.now()),
)

materials = sa.Table(
    "case_material",
    metadata,
    _number(),
    sa.Column("key", _text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name_sealed", BYTEA, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    #: Null where this district has the digest only.
    sa.Column("content_sealed", BYTEA),
)

custody = sa.Table(
    "case_custody",
    metadata,
    _number(),
    sa.Column("material_key", _text, primary_key=True),
    sa.Column("turn", sa.BigInteger, primary_key=True),
    sa.Column("from_district", sa.Text, nullable=False),
    sa.Column("to_district", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

traces = sa.Table(
    "case_trace",
    metadata,
    _number(),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("trace", sa.Text, nullable=False),
    sa.Column("district", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
)

#: What this district, as taker, answered to each offered turn: given once, kept for ever, also without a copy.
turns = sa.Table(
    "case_turn",
    metadata,
    sa.Column("number", _text, primary_key=True),
    sa.Column("turn", sa.BigInteger, primary_key=True),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("answered_at", _moment, nullable=False, server_default=sa.func.now()),
)

#: Letters that came before the offer they need.
early = sa.Table(
    "case_early_letter",
    metadata,
    sa.Column("number", _text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    #: Sealed: a decision's reasons may stand in it.
    sa.Column("letter_sealed", BYTEA, nullable=False),
    sa.Column("arrived_at", _moment, nullable=False, server_default=sa.func.now()),
)

#: Every version of every agreement of this district, as both parties signed it.
agreements = sa.Table(
    "agreement",
    metadata,
    sa.Column("one", _text, primary_key=True),
    sa.Column("other", _text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("kept_at", _moment, nullable=False, server_default=sa.func.now()),
)

#: What is personal, and the place that each value is sealed to (rows.py). Files are large: few at a time.
SEALED = SealedTables(
    (
        SealedTable(
            cases, {"applicant_sealed": "cases.applicant/{number}", "reasons_sealed": "cases.reasons/{number}"}
        ),
        SealedTable(
            materials,
            {
                "name_sealed": "case_material.name/{number}/{key}",
                "content_sealed": "case_material.content/{number}/{key}",
            },
            batch=8,
        ),
        SealedTable(early, {"letter_sealed": "case_early_letter/{number}/{position}"}, batch=8),
    )
)
