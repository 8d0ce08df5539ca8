"""pika's AMQP connection carried by two greenlets of eventlet, one that reads and one that writes.

pika's own loops were measured beside it (services/chassis/README.md, "The adapter"). Every greenlet may use a connection
directly, because no call on it switches: what is written goes into a buffer, and the writer sends whatever one turn of
the hub has gathered as one piece. Only greenlets of the thread that opened it, though: eventlet has one hub a thread.
"""

from chassis.amqp.address import Address
from chassis.amqp.channel import GreenChannel
from chassis.amqp.connection import GreenConnection
from chassis.amqp.frames import UNREADABLE_HEADER

__all__ = ["UNREADABLE_HEADER", "Address", "GreenChannel", "GreenConnection"]
