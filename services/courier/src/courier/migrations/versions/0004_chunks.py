"""Bodies that are too large for one envelope: their chunks, sent and on their way here."""

from alembic import op

revision = "0004_chunks"
down_revision = "0003_again"

STATEMENTS = (
    """
    CREATE TABLE chunk (
        peer TEXT NOT NULL,
        digest TEXT NOT NULL,
        id UUID NOT NULL,
        position INTEGER NOT NULL,
        jwe TEXT NOT NULL,
        PRIMARY KEY (peer, digest)
    )
    """,
    "CREATE INDEX chunk_message ON chunk (id, peer)",
    """
    CREATE TABLE parcel (
        source TEXT NOT NULL,
        id UUID NOT NULL,
        jws TEXT NOT NULL,
        jwe TEXT NOT NULL,
        trace TEXT NOT NULL,
        size BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (source, id)
    )
    """,
    """
    CREATE TABLE piece (
        source TEXT NOT NULL,
        parcel UUID NOT NULL,
        position INTEGER NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        jwe TEXT,
        asked_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (source, parcel, position)
    )
    """,
    "CREATE INDEX piece_missing ON piece (source, digest) WHERE jwe IS NULL",
    # Sealed already: compressing them again costs time and saves nothing.
    "ALTER TABLE chunk ALTER COLUMN jwe SET STORAGE EXTERNAL",
    "ALTER TABLE piece ALTER COLUMN jwe SET STORAGE EXTERNAL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
