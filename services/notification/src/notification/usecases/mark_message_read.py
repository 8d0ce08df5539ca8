"""Mark a message as read."""

from __future__ import annotations

from datetime import datetime

from notification.domain.errors import MessageNotFound
from notification.domain.model import Notice
from notification.usecases.ports import Work


def mark_message_read(work: Work, id: str, subject: str, now: datetime) -> Notice:
    """The message, read; again changes nothing. Raises MessageNotFound, also for somebody else's message."""
    notice = work.notices.mark_read(id, subject, now) if id.isprintable() else None
    if notice is None:
        raise MessageNotFound
    return notice
