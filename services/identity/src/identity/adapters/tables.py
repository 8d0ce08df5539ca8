"""Identity's tables; migrations make them, storage.py reads and writes them."""

from __future__ import annotations

from chassis.database import messaging_tables
from chassis.resealing import SealedTable, SealedTables, field_keys_table
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

#: Everybody who can sign in here. What ends in `_sealed` opens with a field key only.
accounts = Table(
    "accounts",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("login", Text(collation="C"), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("acr", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("name_sealed", LargeBinary),
    Column("id_number_sealed", LargeBinary),
    Column("id_number_hash", Text(collation="C")),
    Column("email_sealed", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("language", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sample", Boolean, nullable=False),
)

#: A number that is only claimed (L2) may stand in many accounts; a proven one stands in one.
Index("accounts_proven_id_number_hash", accounts.c.id_number_hash, unique=True, postgresql_where=accounts.c.acr != "L2")

#: Signed-in browsers, by a hash of the cookie.
sessions = Table(
    "sessions",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), ForeignKey("accounts.subject"), nullable=False),
    Column("signed_in_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    # The default is for the previous release, which names no session.
    Column("sid", Text(collation="C"), nullable=False, unique=True, server_default=text("gen_random_uuid()::text")),
    Column("acting_for", Text, nullable=False, server_default=""),
)
Index("sessions_of_subject", sessions.c.subject)
Index("sessions_expiry", sessions.c.expires_at)
Index("sessions_ended", sessions.c.ended_at)

#: Machines that sign in by a key.
clients = Table(
    "clients",
    metadata,
    Column("client_id", Text(collation="C"), primary_key=True),
    Column("public_jwk", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("enabled", Boolean, nullable=False),
)

#: Client assertions that were used, so that none is used twice.
used_assertions = Table(
    "used_assertions",
    metadata,
    Column("client_id", Text(collation="C"), primary_key=True),
    Column("jti", Text(collation="C"), primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("used_assertions_expiry", used_assertions.c.expires_at)

#: The registries of districts that were kept, as the alliance's root key signed them; the newest counts.
registries = Table(
    "registries",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
)
#: Firms, by their unified social credit code; name and code are public.
firms = Table(
    "firms",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("credit_code", Text(collation="C"), nullable=False, unique=True),
    Column("representative", Text(collation="C"), ForeignKey("accounts.subject"), nullable=False),
    Column("acr", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sample", Boolean, nullable=False),
)
Index("firms_of_representative", firms.c.representative)

#: Who may act for a firm, by the ID number they have to prove.
mandates = Table(
    "mandates",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("firm", Text(collation="C"), ForeignKey("firms.subject"), nullable=False),
    Column("handler_hash", Text(collation="C"), nullable=False),
    Column("handler_name_sealed", LargeBinary, nullable=False),
    Column("handler_number_sealed", LargeBinary, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("item_codes", ARRAY(Text), nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)
Index("mandates_of_handler", mandates.c.handler_hash)
Index("mandates_of_firm", mandates.c.firm, mandates.c.granted_at.desc())

#: How everybody's identity was proven, and by whom; only added to.
proofs = Table(
    "proofs",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), nullable=False),
    Column("way", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
Index("proofs_of_subject", proofs.c.subject, proofs.c.at.desc())


#: What relying parties were given, one row a redirect back; goes with its session.
grants = Table(
    "grants",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("client_id", Text(collation="C"), nullable=False),
    Column("sid", Text(collation="C"), ForeignKey("sessions.sid", ondelete="CASCADE"), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("acr", Text, nullable=False),
    Column("auth_time", DateTime(timezone=True), nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("redeemed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("generation", Integer, nullable=False),
    Column("rotated_at", DateTime(timezone=True)),
)
Index("grants_of_session", grants.c.sid)

#: Authorization codes, by a hash.
codes = Table(
    "codes",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("grant_id", Text(collation="C"), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("codes_of_grant", codes.c.grant_id)

#: Refresh tokens, by a hash; those that were replaced stay, so that a copy is known when it comes.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("key", Text(collation="C"), primary_key=True),
    Column("grant_id", Text(collation="C"), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
)
Index("refresh_tokens_of_grant", refresh_tokens.c.grant_id)

#: Relying parties that are to be told, or were told, that a session ended.
logouts = Table(
    "logouts",
    metadata,
    Column("client_id", Text(collation="C"), primary_key=True),
    Column("sid", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("told_at", DateTime(timezone=True)),
)
Index("logouts_untold", logouts.c.next_try_at, postgresql_where=logouts.c.told_at.is_(None))
Index("logouts_age", logouts.c.ended_at)

#: People of other districts, as their homes say; the subject begins with the home's division code.
foreign_accounts = Table(
    "foreign_accounts",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("home", Text(collation="C"), nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("id_number_sealed", LargeBinary, nullable=False),
    Column("acr", Text, nullable=False),
    Column("first_seen_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

#: Sessions that stand on one at the person's home, and when that is asked about next.
foreign_sessions = Table(
    "foreign_sessions",
    metadata,
    Column("sid", Text(collation="C"), ForeignKey("sessions.sid", ondelete="CASCADE"), primary_key=True),
    Column("home", Text(collation="C"), nullable=False),
    Column("home_sid", Text(collation="C"), nullable=False),
    Column("subject", Text(collation="C"), ForeignKey("foreign_accounts.subject"), nullable=False),
    Column("acr", Text, nullable=False),
    Column("refresh_sealed", LargeBinary, nullable=False),
    Column("confirmed_at", DateTime(timezone=True), nullable=False),
    Column("check_at", DateTime(timezone=True), nullable=False),
)
Index("foreign_sessions_of_home", foreign_sessions.c.home, foreign_sessions.c.home_sid)
Index("foreign_sessions_due", foreign_sessions.c.check_at)

#: For which firms of their home people of other districts may act, as it said last; only until then.
foreign_firms = Table(
    "foreign_firms",
    metadata,
    Column("subject", Text(collation="C"), ForeignKey("foreign_accounts.subject"), primary_key=True),
    Column("firms_sealed", LargeBinary, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
Index("foreign_firms_age", foreign_firms.c.until)

#: Sign-ins begun at a home that have not come back, by a hash of the state.
switches = Table(
    "switches",
    metadata,
    Column("state_key", Text(collation="C"), primary_key=True),
    Column("browser_key", Text(collation="C"), nullable=False),
    Column("home", Text(collation="C"), nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier_sealed", LargeBinary, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("anew", Boolean, nullable=False),
    Column("pending", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
)
Index("switches_age", switches.c.begun_at)

#: This district's own audit of people of other districts: who came, who left and why; no personal data.
federation_log = Table(
    "federation_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", Text, nullable=False),
    Column("home", Text(collation="C"), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("sid", Text(collation="C"), nullable=False),
    Column("detail", Text, nullable=False),
)
Index("federation_log_age", federation_log.c.at)

messaging = messaging_tables(metadata)
field_keys = field_keys_table(metadata)


def _places(table: str, *columns: str, row: str, prefix: str = "") -> dict[str, str]:
    return {f"{column}_sealed": f"{table}/{prefix}{column}/{{{row}}}" for column in columns}


#: What is personal, the place that each value is sealed to (sealing.py), and the hashes that people are found by.
SEALED = SealedTables(
    (
        SealedTable(
            accounts,
            _places("accounts", "name", "id_number", "email", "phone", row="subject"),
            {"id_number_hash": ("id_number_sealed", "id_number/{}")},
        ),
        SealedTable(
            mandates,
            _places("mandates", "handler_name", "handler_number", row="id"),
            {"handler_hash": ("handler_number_sealed", "id_number/{}")},
        ),
        SealedTable(foreign_accounts, _places("accounts", "name", "id_number", row="subject", prefix="foreign_")),
        SealedTable(foreign_firms, _places("foreign_firms", "firms", row="subject")),
        SealedTable(foreign_sessions, _places("accounts", "refresh", row="sid")),
        SealedTable(switches, _places("accounts", "verifier", row="state_key")),
    )
)
