"""Alembic migrations of the hotline; `head` names the newest, so that two at once conflict in git."""
