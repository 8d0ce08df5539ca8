"""Tell a person what happened: a message in the app now, and a mail to be sent after the commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from notification.domain.model import Channel, Delivery, DeliveryState, Happening, Notice
from notification.domain.policies import deserves_notice, worded
from notification.usecases.ports import Work


def tell_person(
    work: Work,
    happening: Happening,
    *,
    portal_url: str,
    now: datetime,
    new_id: Callable[[], UUID],
    traceparent: str = "",
) -> bool:
    """Whether the person is told by this: once per case or ticket and event, however often the event is told to us."""
    if not deserves_notice(happening):
        return False
    notice = Notice(
        id=str(new_id()),
        about=happening.number,
        event=happening.event,
        subject=happening.subject,
        text=worded(happening, portal_url),
        created_at=now,
    )
    if not work.notices.add(notice):
        return False
    for channel, state in ((Channel.IN_APP, DeliveryState.SENT), (Channel.EMAIL, DeliveryState.WAITING)):
        work.deliveries.add(
            Delivery(
                id=str(new_id()),
                notice_id=notice.id,
                about=notice.about,
                event=notice.event,
                channel=channel,
                state=state,
                created_at=now,
                sent_at=now if state is DeliveryState.SENT else None,
                traceparent=traceparent,
            )
        )
    return True
