"""Alembic migrations of the terminal fleet; `head` names the newest, so that two at once conflict in git."""
