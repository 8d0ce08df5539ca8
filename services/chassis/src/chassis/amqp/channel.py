"""A channel that a greenlet can ask something and wait."""

from __future__ import annotations

from typing import Any

import eventlet
from eventlet.event import Event
from pika.channel import Channel
from pika.exceptions import AMQPConnectionError

#: How long the broker may take to answer a question.
ANSWER_TIMEOUT_S = 5.0


class GreenChannel:
    """A channel whose questions to the broker are asked by blocking only the greenlet that asks."""

    def __init__(self, raw: Channel, opened: Event) -> None:
        self.raw = raw
        #: Sent the reason when the channel is over.
        self.over: Event = Event()
        self._asking: Event | None = opened
        raw.add_on_close_callback(self._on_over)

    def ask(self, method: str, timeout_s: float = ANSWER_TIMEOUT_S, **arguments: Any) -> Any:
        """Calls pika's `method` and returns the broker's answer. Raises AMQPError when the broker refuses or is silent."""
        self._asking = answer = Event()
        getattr(self.raw, method)(callback=answer.send, **arguments)
        return self.wait_for(answer, timeout_s)

    def close_when_cancelled(self) -> None:
        """Ends the channel when the broker ends its consumer, because the queue was deleted or its node is gone."""
        self.raw.add_on_cancel_callback(lambda _: self.raw.close())

    def wait_for(self, answer: Event, timeout_s: float) -> Any:
        with eventlet.Timeout(timeout_s, False):
            return answer.wait()
        raise AMQPConnectionError("the broker did not answer in time")

    def _on_over(self, _: Channel, reason: Exception) -> None:
        if not self.over.ready():
            self.over.send(reason)
        if self._asking is not None and not self._asking.ready():
            self._asking.send_exception(reason)
