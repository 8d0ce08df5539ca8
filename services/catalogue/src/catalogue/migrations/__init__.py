"""Alembic migrations of the catalogue; `head` names the newest, so that two at once conflict in git."""
