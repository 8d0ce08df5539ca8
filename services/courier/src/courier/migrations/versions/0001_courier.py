"""Everything the courier keeps, and the messaging tables that every service has."""

from alembic import op
from chassis.database import create_messaging_tables

revision = "0001_courier"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE agreement (
        one TEXT NOT NULL,
        other TEXT NOT NULL,
        version BIGINT NOT NULL,
        document TEXT NOT NULL,
        installed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (one, other, version)
    )
    """,
    """
    CREATE TABLE anchor (
        peer TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        hash TEXT NOT NULL,
        jws TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (peer, epoch, seq)
    )
    """,
    """
    CREATE TABLE arrival (
        source TEXT NOT NULL,
        lane TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        contiguous BIGINT DEFAULT 0 NOT NULL,
        highest BIGINT DEFAULT 0 NOT NULL,
        claimed BIGINT DEFAULT 0 NOT NULL,
        accepted BIGINT DEFAULT 0 NOT NULL,
        refused BIGINT DEFAULT 0 NOT NULL,
        gap_since TIMESTAMP WITH TIME ZONE,
        asked_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (source, lane, epoch)
    )
    """,
    """
    CREATE TABLE due (
        id UUID NOT NULL,
        peer TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        log_seq BIGINT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        valid_until TIMESTAMP WITH TIME ZONE,
        attempts INTEGER DEFAULT 0 NOT NULL,
        PRIMARY KEY (id, peer)
    )
    """,
    "CREATE INDEX due_expires ON due (valid_until) WHERE valid_until IS NOT NULL",
    "CREATE INDEX due_next ON due (peer, due_at, log_seq)",
    """
    CREATE TABLE early (
        target TEXT NOT NULL,
        subject TEXT NOT NULL,
        subject_seq BIGINT NOT NULL,
        id UUID NOT NULL,
        message TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (target, subject, subject_seq)
    )
    """,
    """
    CREATE TABLE held (
        source TEXT NOT NULL,
        subject TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        subject_seq BIGINT NOT NULL,
        jws TEXT,
        jwe TEXT,
        trace TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (source, subject, epoch, subject_seq)
    )
    """,
    """
    CREATE TABLE link (
        peer TEXT NOT NULL,
        linked_since TIMESTAMP WITH TIME ZONE NOT NULL,
        open BOOLEAN NOT NULL,
        openings BIGINT DEFAULT 0 NOT NULL,
        canary BIGINT DEFAULT 0 NOT NULL,
        echoed BIGINT DEFAULT 0 NOT NULL,
        last_echo TIMESTAMP WITH TIME ZONE,
        round_trip_ms FLOAT DEFAULT 0 NOT NULL,
        clock_difference_ms FLOAT DEFAULT 0 NOT NULL,
        receipted BIGINT DEFAULT 0 NOT NULL,
        refused_by_peer BIGINT DEFAULT 0 NOT NULL,
        last_conflict TIMESTAMP WITH TIME ZONE,
        last_restore TIMESTAMP WITH TIME ZONE,
        last_receipt_differing TIMESTAMP WITH TIME ZONE,
        last_log_differing TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (peer)
    )
    """,
    """
    CREATE TABLE log (
        seq BIGINT NOT NULL,
        kind TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        peer TEXT NOT NULL,
        lane TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        number BIGINT NOT NULL,
        id UUID,
        subject TEXT NOT NULL,
        subject_seq BIGINT NOT NULL,
        signed TEXT NOT NULL,
        code TEXT NOT NULL,
        digest TEXT NOT NULL,
        hash TEXT NOT NULL,
        jws TEXT NOT NULL,
        PRIMARY KEY (seq)
    )
    """,
    "CREATE INDEX log_subject ON log (subject, seq)",
    """
    CREATE TABLE quarantine (
        id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        written_by TEXT NOT NULL,
        source TEXT NOT NULL,
        code TEXT NOT NULL,
        size BIGINT NOT NULL,
        start BYTEA NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX quarantine_writer ON quarantine (written_by, at)",
    """
    CREATE TABLE receipt (
        id UUID NOT NULL,
        peer TEXT NOT NULL,
        given BOOLEAN NOT NULL,
        jws TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE received (
        source TEXT NOT NULL,
        lane TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        number BIGINT NOT NULL,
        id UUID NOT NULL,
        signed TEXT NOT NULL,
        verdict TEXT NOT NULL,
        code TEXT NOT NULL,
        receipt_id UUID,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (source, lane, epoch, number)
    )
    """,
    "CREATE INDEX received_id ON received (id)",
    """
    CREATE TABLE registry (
        version BIGINT NOT NULL,
        document TEXT NOT NULL,
        installed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (version)
    )
    """,
    """
    CREATE TABLE sealed (
        id UUID NOT NULL,
        peer TEXT NOT NULL,
        jwe TEXT NOT NULL,
        PRIMARY KEY (id, peer)
    )
    """,
    """
    CREATE TABLE sent (
        id UUID NOT NULL,
        peer TEXT NOT NULL,
        lane TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        number BIGINT NOT NULL,
        log_seq BIGINT NOT NULL,
        service TEXT NOT NULL,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        subject_seq BIGINT NOT NULL,
        opens TEXT NOT NULL,
        agreement BIGINT NOT NULL,
        signed TEXT NOT NULL,
        trace TEXT NOT NULL,
        state TEXT NOT NULL,
        code TEXT DEFAULT '' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        valid_until TIMESTAMP WITH TIME ZONE,
        settled_at TIMESTAMP WITH TIME ZONE,
        receipt_id UUID,
        answered_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id, peer)
    )
    """,
    "CREATE UNIQUE INDEX sent_number ON sent (peer, lane, epoch, number) WHERE number > 0",
    "CREATE INDEX sent_unanswered ON sent (peer, created_at) WHERE opens != '' AND answered_at IS NULL",
    """
    CREATE TABLE sequence (
        peer TEXT NOT NULL,
        lane TEXT NOT NULL,
        last BIGINT NOT NULL,
        PRIMARY KEY (peer, lane)
    )
    """,
    """
    CREATE TABLE state (
        "only" INTEGER NOT NULL,
        head_epoch BIGINT NOT NULL,
        head_seq BIGINT NOT NULL,
        head_hash TEXT NOT NULL,
        database_mark TEXT NOT NULL,
        PRIMARY KEY ("only")
    )
    """,
    """
    CREATE TABLE stream (
        target TEXT NOT NULL,
        subject TEXT NOT NULL,
        service TEXT NOT NULL,
        taken BIGINT NOT NULL,
        PRIMARY KEY (target, subject)
    )
    """,
    """
    CREATE TABLE subject (
        peer TEXT NOT NULL,
        subject TEXT NOT NULL,
        sent_epoch BIGINT DEFAULT 0 NOT NULL,
        sent BIGINT DEFAULT 0 NOT NULL,
        handed_epoch BIGINT DEFAULT 0 NOT NULL,
        handed BIGINT DEFAULT 0 NOT NULL,
        agreement BIGINT,
        PRIMARY KEY (peer, subject)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_messaging_tables(op)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
