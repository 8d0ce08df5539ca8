"""Signed copies of the agreements, so that no application waits for an answer of the courier."""

from alembic import op

revision = "0003_agreements"
down_revision = "0002_housekeeping"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE agreement (
            one TEXT COLLATE "C" NOT NULL,
            other TEXT COLLATE "C" NOT NULL,
            version BIGINT NOT NULL,
            document TEXT NOT NULL,
            kept_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            PRIMARY KEY (one, other, version)
        )
        """
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
