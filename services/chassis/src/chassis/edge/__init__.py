"""What the web processes share: problem bodies, an envelope around every request, who asks behind a proxy, rates, how much of a body is read, tasks beside requests, uploads on their way out, and the process that serves.

asyncio only: nothing here imports eventlet or nameko. An error becomes an answer in one place: `Fault.kind` gives the
HTTP status by the table `problems.STATUS`, and the body is a problem (RFC 9457) with our code and the trace id. Nothing
below the edge knows an HTTP status.
"""

from chassis.edge.bodies import LARGEST_WITH_FILES, Large, Room, body_of, in_time
from chassis.edge.middleware import envelope
from chassis.edge.problems import PROBLEM, RETRY_AFTER_S, STATUS, fault_for, http_fault, problem
from chassis.edge.protocol import Protocol
from chassis.edge.proxies import BehindProxies, Networks
from chassis.edge.rates import Rates
from chassis.edge.serving import health_page, run
from chassis.edge.tasks import TaskEach, again, cancelled, running
from chassis.edge.uploads import HARMLESS, OCTETS, SANDBOX, sent_as

__all__ = [
    "HARMLESS",
    "LARGEST_WITH_FILES",
    "OCTETS",
    "PROBLEM",
    "RETRY_AFTER_S",
    "SANDBOX",
    "STATUS",
    "BehindProxies",
    "Large",
    "Networks",
    "Protocol",
    "Rates",
    "Room",
    "TaskEach",
    "again",
    "body_of",
    "cancelled",
    "envelope",
    "fault_for",
    "health_page",
    "http_fault",
    "in_time",
    "problem",
    "run",
    "running",
    "sent_as",
]
