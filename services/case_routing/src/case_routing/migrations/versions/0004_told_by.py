"""Applicants of copies that came from another district are called by that district's code and its subject (ADR 0014).

Such a copy has no subject for the other side: only the district that took the application in asked for one.
"""

from alembic import op

revision = "0004_told_by"
down_revision = "0003_agreements"


def upgrade() -> None:
    op.execute(
        """
        UPDATE cases SET applicant_subject = intake || ':' || applicant_subject
        WHERE intake <> handling AND applicant_peer_subject = '' AND applicant_subject <> ''
          AND applicant_subject NOT LIKE '%:%'
        """
    )


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: expand, then contract.")
