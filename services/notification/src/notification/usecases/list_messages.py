"""A person's messages in the app."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from notification.domain.model import Notice
from notification.usecases.ports import Work


def list_messages(work: Work, subject: str, wish: Wish) -> Page[Notice]:
    """The person's own messages, newest first."""
    return page(work.notices.list_of(subject, wish), wish, lambda notice: (notice.id,))
