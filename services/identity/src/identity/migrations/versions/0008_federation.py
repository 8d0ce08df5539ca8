"""People of other districts, their sessions here, sign-ins on their way, and the audit of them."""

import sqlalchemy as sa
from alembic import op

revision = "0008_federation"
down_revision = "0007_firms"


def text() -> sa.Text:
    return sa.Text(collation="C")


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    # A session may be of a person whose account is another district's.
    op.drop_constraint("sessions_subject_fkey", "sessions", type_="foreignkey")
    op.create_table(
        "foreign_accounts",
        sa.Column("subject", text(), primary_key=True),
        sa.Column("home", text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary, nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary, nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("first_seen_at", moment(), nullable=False),
        sa.Column("seen_at", moment(), nullable=False),
    )
    op.create_table(
        "foreign_sessions",
        sa.Column("sid", text(), sa.ForeignKey("sessions.sid", ondelete="CASCADE"), primary_key=True),
        sa.Column("home", text(), nullable=False),
        sa.Column("home_sid", text(), nullable=False),
        sa.Column("subject", text(), sa.ForeignKey("foreign_accounts.subject"), nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("refresh_sealed", sa.LargeBinary, nullable=False),
        sa.Column("confirmed_at", moment(), nullable=False),
        sa.Column("check_at", moment(), nullable=False),
    )
    op.create_index("foreign_sessions_of_home", "foreign_sessions", ["home", "home_sid"])
    op.create_index("foreign_sessions_due", "foreign_sessions", ["check_at"])
    op.create_table(
        "switches",
        sa.Column("state_key", text(), primary_key=True),
        sa.Column("browser_key", text(), nullable=False),
        sa.Column("home", text(), nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("verifier_sealed", sa.LargeBinary, nullable=False),
        sa.Column("silent", sa.Boolean, nullable=False),
        sa.Column("anew", sa.Boolean, nullable=False),
        sa.Column("pending", sa.Text, nullable=False),
        sa.Column("begun_at", moment(), nullable=False),
    )
    op.create_index("switches_age", "switches", ["begun_at"])
    op.create_table(
        "federation_log",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", moment(), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("home", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("sid", text(), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("federation_log_age", "federation_log", ["at"])


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
