"""Alembic migrations of notification; `head` names the newest, so that two at once conflict in git."""
