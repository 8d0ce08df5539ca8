"""The receiving side of events: `@subscribe(messages.CaseProgressed)` on a method of a service class.

    @subscribe(messages.CaseProgressed)                       # a fact of this district; its source is the proto package's
    def on_case_progressed(self, event, delivery): ...

    @subscribe(messages.HandOverOffered, via_courier=True)    # from another district, handed on by the courier
    def on_hand_over_offered(self, event, delivery): ...

Queue `evt.<service>.<method>`. The handler runs in a transaction that also holds its inbox row (handler, source, id), so its
effects happen once however often the message comes; it is acked after the commit. A handler that raises is rolled back
and its message goes to the ladder (ladder.py), confirmed, before it is acked. While our own database is away messages are
held and tried again in place. At SIGTERM what runs is finished and what does not run yet goes back to the queue.
"""

from chassis.subscriber.delivery import Delivery
from chassis.subscriber.entrypoint import Subscriber, subscribe

__all__ = ["Delivery", "Subscriber", "subscribe"]
