"""What the web processes share: problem bodies, an envelope around every request, who asks behind a proxy, rates, tasks beside requests, uploads on their way out, and the process that serves.

asyncio only: nothing here imports eventlet or nameko. An error becomes an answer in one place: `Fault.kind` gives the
HTTP status by the table `problems.STATUS`, and the body is a problem (RFC 9457) with our code and the trace id. Nothing
below the edge knows an HTTP status.
"""

from chassis.edge.middleware import BODY_TIMEOUT_S, body_of, envelope
from chassis.edge.problems import PROBLEM, RETRY_AFTER_S, STATUS, fault_for, http_fault, problem
from chassis.edge.protocol import Protocol
from chassis.edge.proxies import BehindProxies, Networks
from chassis.edge.rates import Rates
from chassis.edge.serving import health_page, run
from chassis.edge.tasks import TaskEach, cancelled, running
from chassis.edge.uploads import HARMLESS, OCTETS, SANDBOX, sent_as

__all__ = [
    "BODY_TIMEOUT_S",
    "HARMLESS",
    "OCTETS",
    "PROBLEM",
    "RETRY_AFTER_S",
    "SANDBOX",
    "STATUS",
    "BehindProxies",
    "Networks",
    "Protocol",
    "Rates",
    "TaskEach",
    "body_of",
    "cancelled",
    "envelope",
    "fault_for",
    "health_page",
    "http_fault",
    "problem",
    "run",
    "running",
    "sent_as",
]
