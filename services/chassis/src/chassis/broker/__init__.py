"""One connection to the broker for one purpose: it comes back by itself, and whoever uses it never waits for it.

    link = BrokerConnection(settings.amqp_url, "relay", confirms=True)
    link.start()                                    # returns at once; connects, and reconnects for ever, in its greenlet
    link.consume("evt.hotline.on_x", handle, prefetch=20)
    confirm = link.publish_confirmed("hotline.events", "TicketProgressed", body, properties, mandatory=True)
    confirm.wait(10) is Outcome.CONFIRMED
    link.stop(timeout_s=5)

Every method may be called from any greenlet of the process's main thread, and none but `wait_*`, `cancel` and `stop`
switches: acks, answers and publishes go into the connection's buffer and out in one piece a turn. `on_message` runs in the
connection's own greenlet and must not block (put it in a queue, or spawn): while it waits, nothing is read.
"""

from chassis.broker.confirm import BrokerGone, Confirm, Outcome
from chassis.broker.connection import BrokerConnection
from chassis.broker.consumer import Consumer, Message

__all__ = ["BrokerConnection", "BrokerGone", "Confirm", "Consumer", "Message", "Outcome"]
