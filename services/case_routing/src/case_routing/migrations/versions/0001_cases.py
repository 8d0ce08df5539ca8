"""Cases, and the messaging tables that every service has."""

from alembic import op
from chassis.database import create_messaging_tables

revision = "0001_cases"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE case_early_letter (
        number TEXT COLLATE "C" NOT NULL,
        position INTEGER NOT NULL,
        id TEXT NOT NULL,
        sender TEXT NOT NULL,
        type TEXT NOT NULL,
        letter_sealed BYTEA NOT NULL,
        arrived_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        PRIMARY KEY (number, position)
    )
    """,
    """
    CREATE TABLE case_turn (
        number TEXT COLLATE "C" NOT NULL,
        turn BIGINT NOT NULL,
        answer TEXT NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        PRIMARY KEY (number, turn)
    )
    """,
    """
    CREATE TABLE cases (
        number TEXT COLLATE "C" NOT NULL,
        item_code TEXT COLLATE "C" NOT NULL,
        item_name_zh TEXT NOT NULL,
        item_name_en TEXT NOT NULL,
        item_mode TEXT NOT NULL,
        item_provenance TEXT NOT NULL,
        intake TEXT COLLATE "C" NOT NULL,
        handling TEXT COLLATE "C" NOT NULL,
        applicant_subject TEXT COLLATE "C" NOT NULL,
        applicant_peer_subject TEXT COLLATE "C" NOT NULL,
        applicant_home TEXT COLLATE "C" NOT NULL,
        applicant_acr TEXT NOT NULL,
        applicant_sealed BYTEA NOT NULL,
        kiosk_id TEXT NOT NULL,
        state TEXT NOT NULL,
        holder TEXT COLLATE "C" NOT NULL,
        turn BIGINT NOT NULL,
        offered_to TEXT COLLATE "C" NOT NULL,
        purpose TEXT NOT NULL,
        offer_id TEXT NOT NULL,
        version BIGINT NOT NULL,
        granted BOOLEAN,
        reasons_sealed BYTEA,
        document_no TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        decided_by TEXT,
        submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE,
        accepted_at TIMESTAMP WITH TIME ZONE,
        closed_at TIMESTAMP WITH TIME ZONE,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        attention TEXT NOT NULL,
        due_act TEXT NOT NULL,
        PRIMARY KEY (number)
    )
    """,
    "CREATE INDEX cases_due ON cases (submitted_at, number) WHERE due_act != ''",
    "CREATE INDEX cases_of_applicant ON cases (applicant_subject, submitted_at DESC, number DESC)",
    """
    CREATE TABLE case_custody (
        number TEXT COLLATE "C" NOT NULL,
        material_key TEXT COLLATE "C" NOT NULL,
        turn BIGINT NOT NULL,
        from_district TEXT NOT NULL,
        to_district TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (number, material_key, turn),
        FOREIGN KEY(number) REFERENCES cases (number)
    )
    """,
    """
    CREATE TABLE case_history (
        number TEXT COLLATE "C" NOT NULL,
        district TEXT COLLATE "C" NOT NULL,
        version BIGINT NOT NULL,
        turn BIGINT NOT NULL,
        act TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        note TEXT NOT NULL,
        state TEXT NOT NULL,
        trace TEXT NOT NULL,
        known_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        PRIMARY KEY (number, district, version),
        FOREIGN KEY(number) REFERENCES cases (number)
    )
    """,
    """
    CREATE TABLE case_material (
        number TEXT COLLATE "C" NOT NULL,
        key TEXT COLLATE "C" NOT NULL,
        position INTEGER NOT NULL,
        name_sealed BYTEA NOT NULL,
        media_type TEXT NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        content_sealed BYTEA,
        PRIMARY KEY (number, key),
        FOREIGN KEY(number) REFERENCES cases (number)
    )
    """,
    """
    CREATE TABLE case_trace (
        number TEXT COLLATE "C" NOT NULL,
        position INTEGER NOT NULL,
        trace TEXT NOT NULL,
        district TEXT NOT NULL,
        act TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (number, position),
        FOREIGN KEY(number) REFERENCES cases (number)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
