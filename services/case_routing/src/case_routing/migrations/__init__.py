"""Alembic migrations of case_routing; `head` names the newest, so that two at once conflict in git."""
