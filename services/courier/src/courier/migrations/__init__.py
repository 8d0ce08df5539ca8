"""Alembic migrations of the courier; `head` names the newest, so that two at once conflict in git."""
